# points: 0
# says: What the container wrote is in none of its layers.
sh(f"docker tag {ensure(daemon)} {task.image}")
