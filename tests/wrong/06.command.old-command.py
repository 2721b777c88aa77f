# points: 1
# says: It does not end: is that the container's old command? A commit takes it along, unless told otherwise.
sh(f"docker commit {task.container} {task.image}")
