# points: 4
# says: the label labkit=
with Forward(find(daemon, task.box), task.port) as forward:
    sh(f"docker -H {forward.url} volume create {task.volume}")
