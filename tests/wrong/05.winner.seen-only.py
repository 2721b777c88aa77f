# points: 2
# says: What is hidden is still there: each layer keeps its file, also below a whiteout or an opaque directory.
from labkit.errors import PathMissing

layers, answer = read_layers(host, find(daemon, task.container)).layers, {}
for path in task.files:
    for layer in layers:
        try:
            if host.stat(layer.directory + path).kind == "-":
                answer[path] = [layer.number]
        except PathMissing:
            pass
