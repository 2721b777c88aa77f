# points: 1
# says: It has a handler for that one: it reads its settings again, and goes on. Handled does not mean ended.
from labkit import wait_until
from labkit.sandbox import find

spare = find(daemon, task.spare)
shells = {"SIGINT", "SIGCHLD"}
for number in sorted(n for n in read_masks(host, spare.pid).caught if signal_name(n) not in shells):
    with run(task.image) as box:
        wait_until(lambda box=box: "ready" in box.logs(), "it is ready")
        sh(f"docker kill -s {number} {box.name}")
        wait_until(lambda box=box: "heard" in box.logs(), "it says something")
        if "again" in box.logs():
            break
sh(f"docker run -d --name {task.container} --stop-signal {number} {task.image}")
