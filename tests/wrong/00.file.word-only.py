# points: 0
# says: Hand in two things, in this order: answer = (path, word).
folder = daemon.client.volumes.get(task.volume).attrs["Mountpoint"]
answer = host.text(f"{folder}/word.txt").strip()
