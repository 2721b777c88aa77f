# points: 1
# says: It was brought into the home's PID namespace: it sees the home's processes, not its network.
sh(f"docker run -d --name {task.guest} --pid container:{task.home} {task.image} sleep 600")
