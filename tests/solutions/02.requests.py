verb = task.commands[3].split()[1]
answer = [
    f"POST /containers/create?name={task.new}",
    "POST /containers/ID/start",
    f"POST /containers/{task.container}/exec",
    "POST /exec/ID/start",
    f"POST /containers/{task.container}/{verb}",
    f"DELETE /containers/{task.container}",
]
