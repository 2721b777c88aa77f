# points: 1
# says: These are the old image's layers, all of them, under another name.
sh(f"docker tag {task.image} {task.clean}")
