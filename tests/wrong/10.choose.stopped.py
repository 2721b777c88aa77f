# points: 0
# says: no container of that name
sh(f"docker stop -t 1 {task.spare}")
