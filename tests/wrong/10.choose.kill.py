# points: 1
# says: At once, but not well: SIGKILL reaches no handler, so the program finishes nothing.
sh(f"docker run -d --name {task.container} --stop-signal KILL {task.image}")
