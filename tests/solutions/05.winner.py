from labkit.errors import PathMissing

layers, answer = read_layers(host, find(daemon, task.container)).layers, {}
for path in task.files:
    answer[path] = []
    for layer in reversed(layers):
        try:
            if host.stat(layer.directory + path).kind == "-":
                answer[path].append(layer.number)
        except PathMissing:
            pass
