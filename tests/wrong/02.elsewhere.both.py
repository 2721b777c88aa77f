# points: 4
# says: It was made on both. Two daemons know nothing of each other
with Forward(find(daemon, task.box), task.port) as forward:
    sh(f"docker -H {forward.url} volume create --label {task.label} {task.volume}")
sh(f"docker volume create --label {task.label} {task.volume}")
