# points: 3
# says: The first request only makes the exec. Nothing runs until a second one starts it.
answer = [
    f"POST /containers/create?name={task.new}",
    "POST /containers/ID/start",
    f"POST /containers/{task.container}/exec",
    f"POST /containers/{task.container}/{task.commands[3].split()[1]}",
    f"DELETE /containers/{task.container}",
]
