sh(f"docker run -d --init --name {task.mine} {task.image}")
