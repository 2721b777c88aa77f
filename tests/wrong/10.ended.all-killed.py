# points: 0
# says: SIGKILL came to a child there, not to the first process.
answer = {name: "kill" for name in task.containers}
