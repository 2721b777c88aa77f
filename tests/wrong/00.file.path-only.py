# points: 2
# says: Hand in two things, in this order: answer = (path, word).
answer = daemon.client.volumes.get(task.volume).attrs["Mountpoint"] + "/word.txt"
