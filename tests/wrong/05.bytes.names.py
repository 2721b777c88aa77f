# points: 2
# says: Two names, one inode: the bytes of a hard link lie there once.
*below, own = read_layers(host, find(daemon, task.container)).layers
entries = {entry.path.removeprefix(own.directory): entry for entry in host.walk(own.directory)}
theirs = {entry.path.removeprefix(layer.directory) for layer in below for entry in host.walk(layer.directory)}
files = {path: entry.size for path, entry in entries.items() if entry.kind == "-"}
answer = {
    "own": sum(files.values()),
    "copied": sum(size for path, size in files.items() if path in theirs),
    "holes": sum(entry.kind == "c" for entry in entries.values()),
}
