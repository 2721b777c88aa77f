# points: 0
# says: It was there, and was removed: --rm takes the container away when its process ends, and its code with it.
sh(f"docker run --rm --name {task.container} --label {task.label} {task.image} sh -c 'exit {task.code}' || true")
