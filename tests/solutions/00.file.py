folder = daemon.client.volumes.get(task.volume).attrs["Mountpoint"]
path = f"{folder}/word.txt"
answer = (path, host.text(path).strip())
