# points: 2
# says: 137 is 128 + 9: a signal ended it. Nobody asked its command for a code.
sh(f"docker run -d --name {task.container} --label {task.label} {task.image} sleep 600")
sh(f"docker kill {task.container}")
