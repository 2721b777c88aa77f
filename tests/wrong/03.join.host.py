# points: 1
# says: That is the host's network: the guest sees all of the host's interfaces, and none of the home's.
sh(f"docker run -d --name {task.guest} --network host {task.image} sleep 600")
