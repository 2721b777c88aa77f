# points: 1
# says: It does not begin with the given image's layers: FROM decides what an image stands on.
dockerfile = f"FROM labkit/busybox\nRUN echo {task.text} > {task.path}\n"
sh(f"echo '{dockerfile}' | DOCKER_BUILDKIT=0 docker build -q -t {task.image} -")
