# points: 2
# says: A tag is one more name for the same image: no layer came.
sh(f"docker tag {task.base} {task.image}")
