# points: 0
# says: That was your own daemon: the client asks the one in DOCKER_HOST unless it is told another address.
sh(f"docker volume create --label {task.label} {task.volume}")
