dockerfile = f"FROM {task.base}\nRUN mkdir -p /etc && echo {task.text} > {task.path}\n"
sh(f"echo '{dockerfile}' | DOCKER_BUILDKIT=0 docker build -q -t {task.image} -")
