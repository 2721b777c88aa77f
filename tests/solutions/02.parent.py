def fact(pid, name):
    [line] = [line for line in host.text(f"/proc/{pid}/status").splitlines() if line.startswith(f"{name}:")]
    return line.split()[1]


own = daemon.client.containers.get(task.container).attrs["State"]["Pid"]
pid = int(fact(own, "PPid"))
answer = (pid, fact(pid, "Name"))
