# points: 3
# says: The commit took the command along, and the lock: both are in the image now.
sh(f"docker commit {task.container} {task.image}")
