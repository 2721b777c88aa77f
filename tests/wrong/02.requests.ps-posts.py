# points: 4
# says: The answer holds a request that none of the commands makes.
answer = [
    "POST /containers/ps",
    f"POST /containers/create?name={task.new}",
    "POST /containers/ID/start",
    f"POST /containers/{task.container}/exec",
    "POST /exec/ID/start",
    f"POST /containers/{task.container}/{task.commands[3].split()[1]}",
    f"DELETE /containers/{task.container}",
]
