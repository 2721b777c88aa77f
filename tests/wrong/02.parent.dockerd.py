# points: 0
# says: It was asked to start the container, but it is not its parent
for pid in filter(str.isdigit, host.list("/proc")):
    if host.text(f"/proc/{pid}/comm").strip() == "dockerd":
        answer = (int(pid), "dockerd")
        break
