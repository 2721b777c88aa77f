# points: 0
# says: What was written in a container is in that container's own layer. No image has it.
sh(f"docker run --name {task.image} {task.base} sh -c 'echo {task.text} > {task.path}'")
