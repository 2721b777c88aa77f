with Forward(find(daemon, task.box), task.port) as forward:
    sh(f"docker -H {forward.url} volume create --label {task.label} {task.volume}")
