# points: 1
# says: How long docker stop waits does not change what it sends: TERM, for which this program has no handler.
sh(f"docker run -d --name {task.container} --stop-timeout 30 {task.image}")
