*below, own = read_layers(host, find(daemon, task.container)).layers
entries = {entry.path.removeprefix(own.directory): entry for entry in host.walk(own.directory)}
theirs = {entry.path.removeprefix(layer.directory) for layer in below for entry in host.walk(layer.directory)}
files = {path: entry for path, entry in entries.items() if entry.kind == "-"}
answer = {
    "own": sum({entry.inode: entry.size for entry in files.values()}.values()),
    "copied": sum(entry.size for path, entry in files.items() if path in theirs),
    "holes": sum(entry.kind == "c" for entry in entries.values()),
}
