# points: 1
# says: Pause is not SIGSTOP. A stopped process sees SIGCONT when it shall go on
sh(f"docker kill -s STOP {task.container}")
