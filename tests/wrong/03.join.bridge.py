# points: 1
# says: On the same bridge they are neighbours: each has a network namespace, an eth0 and an address of its own.
sh(f"docker run -d --name {task.guest} {task.image} sleep 600")
