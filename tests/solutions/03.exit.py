sh(f"docker run -d --name {task.container} --label {task.label} {task.image} sh -c 'exit {task.code}'")
