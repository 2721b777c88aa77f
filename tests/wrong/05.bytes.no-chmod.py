# points: 3
# says: chmod copies a file up, too: with its rights it would otherwise change for everybody.
own = read_layers(host, find(daemon, task.container)).own
entries = list(host.walk(own.directory))
answer = {
    "own": own.size,
    "copied": host.stat(f"{own.directory}/srv/log").size,
    "holes": sum(entry.kind == "c" for entry in entries),
}
