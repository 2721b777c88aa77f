# points: 2
# says: A line that changes no file is a line of the history and no layer
dockerfile = f"FROM {task.base}\nENV text={task.text} path={task.path}\n"
sh(f"echo '{dockerfile}' | DOCKER_BUILDKIT=0 docker build -q -t {task.image} -")
