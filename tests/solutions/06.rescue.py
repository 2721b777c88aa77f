command = 'CMD ["sleep", "3600"]'
sh(f"docker commit --change '{command}' {task.container} {task.image}")
