# points: 2
# says: No request is called run. That is the client's word for two things that the daemon does.
answer = [
    f"POST /containers/run?name={task.new}",
    f"POST /containers/{task.container}/exec",
    "POST /exec/ID/start",
    f"POST /containers/{task.container}/{task.commands[3].split()[1]}",
    f"DELETE /containers/{task.container}",
]
