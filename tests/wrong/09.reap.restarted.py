# points: 1
# says: Number 1 is the app, and it waits for nobody.
sh(f"docker run -d --name {task.mine} {task.image}")
sh(f"docker restart -t 0 {task.mine}")
