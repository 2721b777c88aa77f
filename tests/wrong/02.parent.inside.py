# points: 0
# says: Hand in a number of the daemon's host. Inside, the container's process is 1 and has no parent.
box = daemon.client.containers.get(task.container)
said = box.exec_run("grep PPid /proc/1/status").output.decode()
answer = (int(said.split()[1]), "init")
