# points: 4
# says: The guest is in the home's PID namespace too: it could kill the home. Nobody asked for --pid.
options = f"--network container:{task.home} --pid container:{task.home}"
sh(f"docker run -d --name {task.guest} {options} {task.image} sleep 600")
