# points: 0
# says: A shell as number 1 would wait, but that is another command: the app shall be run as the image has it.
[program] = daemon.client.images.get(task.image).attrs["Config"]["Cmd"]
sh(f"docker run -d --name {task.mine} {task.image} sh -c '{program}; true'")
