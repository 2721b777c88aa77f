# points: 1
# says: 1 is its number inside. The host has a 1 of its own, and calls this process something else.
box = find(daemon, task.container)
answer = {"id": box.sh("hostname"), "pid": 1, "ip": box.sh("hostname -i")}
