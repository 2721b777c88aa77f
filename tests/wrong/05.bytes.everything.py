# points: 1
# says: Only what lies in the container's own layer is its own; all else it shares.
stack = read_layers(host, find(daemon, task.container))
entries = list(host.walk(stack.own.directory))
answer = {
    "own": sum(layer.size for layer in stack.layers),
    "copied": 0,
    "holes": sum(entry.kind == "c" for entry in entries),
}
