# points: 1
# says: a new container of the same image has a new one of its own.
with run(ensure(daemon), "mkdir -p /srv; echo saved > /srv/ledger", what="rescue") as box:
    box.wait()
    sh(f"docker commit --change 'CMD sleep 3600' {box.name} {task.image}")
