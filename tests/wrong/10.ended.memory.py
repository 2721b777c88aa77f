# points: 0
# says: 137 does not mean out of memory: it only means 128 + 9.
answer = {name: "memory" for name in task.containers}
