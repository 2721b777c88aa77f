# points: 2
# says: The daemon could not even start the command: it takes it for a program of that name.
sh(f"docker run -d --name {task.container} --label {task.label} {task.image} 'exit {task.code}' || true")
