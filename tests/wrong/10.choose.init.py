# points: 1
# says: It ended at once, because it was no longer number 1: TERM's default action ended it. It finished nothing.
sh(f"docker run -d --init --name {task.container} {task.image}")
