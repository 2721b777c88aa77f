# points: 4
# says: Options stand before the image: what stands behind it is the command's.
sh(f"docker run -d --name {task.container} {task.image} sh -c 'exit {task.code}' --label {task.label}")
