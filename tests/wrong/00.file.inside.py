# points: 1
# says: That is its name inside the container; the host calls the same file by another path.
box = daemon.client.containers.get(task.container)
answer = ("/data/word.txt", box.exec_run("cat /data/word.txt").output.decode())
