sh(f"docker run -d --name {task.guest} --network container:{task.home} {task.image} sleep 600")
