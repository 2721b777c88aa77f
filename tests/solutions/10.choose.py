from labkit import wait_until
from labkit.sandbox import find

spare = find(daemon, task.spare)
shells = {"SIGINT", "SIGCHLD"}
for number in sorted(n for n in read_masks(host, spare.pid).caught if signal_name(n) not in shells):
    before = spare.logs()
    sh(f"docker kill -s {number} {spare.name}")
    wait_until(lambda before=before: spare.logs() != before, "it says something")
    wait_until(lambda: spare.status == "exited" or "again" in spare.logs(), "it has decided", deadline=10)
    if "finished" in spare.logs():
        break
sh(f"docker run -d --name {task.container} --stop-signal {number} {task.image}")
