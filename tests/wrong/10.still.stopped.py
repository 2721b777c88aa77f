# points: 0
# says: Its process has ended, and all that it had in memory is gone: a new one counts from the beginning.
sh(f"docker stop -t 5 {task.container}")
