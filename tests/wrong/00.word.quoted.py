# points: 0
# says: The word is in it, and something around it: quotes, a line's end, or more.
answer = sh(f"docker inspect --format '{{{{json .Config.Labels.{task.label}}}}}' {task.container}")
