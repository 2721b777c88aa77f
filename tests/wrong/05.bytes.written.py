# points: 1
# says: A file of the image that is changed lies in the own layer whole, not only what was written: copy-up.
own = read_layers(host, find(daemon, task.container)).own
entries = list(host.walk(own.directory))
new = {entry.inode: entry.size for entry in entries if entry.kind == "-" and entry.links > 1}
answer = {
    "own": sum(new.values()) + len("more\n"),
    "copied": len("more\n"),
    "holes": sum(entry.kind == "c" for entry in entries),
}
