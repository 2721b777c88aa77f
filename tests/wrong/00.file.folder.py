# points: 1
# says: That is the volume's directory; the file is in it.
folder = daemon.client.volumes.get(task.volume).attrs["Mountpoint"]
answer = (folder, host.text(f"{folder}/word.txt"))
