# points: 2
# says: It stands in the request, behind a question mark.
answer = [
    "POST /containers/create",
    "POST /containers/ID/start",
    f"POST /containers/{task.container}/exec",
    "POST /exec/ID/start",
    f"POST /containers/{task.container}/{task.commands[3].split()[1]}",
    f"DELETE /containers/{task.container}",
]
