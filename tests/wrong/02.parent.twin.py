# points: 0
# says: That belongs to the twin: each container has a parent of its own.
own = daemon.client.containers.get(task.twin).attrs["State"]["Pid"]
[line] = [line for line in host.text(f"/proc/{own}/status").splitlines() if line.startswith("PPid:")]
pid = int(line.split()[1])
answer = (pid, host.text(f"/proc/{pid}/comm").strip())
