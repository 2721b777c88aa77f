command = f'CMD ["cat", "{task.file}"]'
sh(f"docker commit --change '{command}' {task.container} {task.image}")
