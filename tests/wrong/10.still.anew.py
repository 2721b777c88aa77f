# points: 0
# says: Its process has ended, and all that it had in memory is gone: a new one counts from the beginning.
sh(f"docker restart -t 5 {task.container}")
sh(f"docker pause {task.container}")
