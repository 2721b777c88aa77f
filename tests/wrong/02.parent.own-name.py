# points: 3
# says: That is the container's own program; asked for is the name of its parent.
own = daemon.client.containers.get(task.container).attrs["State"]["Pid"]
[line] = [line for line in host.text(f"/proc/{own}/status").splitlines() if line.startswith("PPid:")]
answer = (int(line.split()[1]), host.text(f"/proc/{own}/comm").strip())
