# points: 2
# says: Reading copies nothing, whoever does it and however often.
own = [read_layers(host, find(daemon, name)).own.directory for name in task.containers]
written = {entry.path.removeprefix(folder) for folder in own for entry in host.walk(folder)}
answer = [path for path in task.files if path not in written][:1]
