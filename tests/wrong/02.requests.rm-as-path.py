# points: 3
# says: Removing is not a path but a method: HTTP has a word for it, DELETE.
answer = [
    f"POST /containers/create?name={task.new}",
    "POST /containers/ID/start",
    f"POST /containers/{task.container}/exec",
    "POST /exec/ID/start",
    f"POST /containers/{task.container}/{task.commands[3].split()[1]}",
    f"POST /containers/{task.container}/rm?force=1",
]
