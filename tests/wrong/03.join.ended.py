# points: 0
# says: Only a process is in a namespace: its command has ended, and with it the guest.
sh(f"docker run --name {task.guest} --network container:{task.home} {task.image} true")
