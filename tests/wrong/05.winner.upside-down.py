# points: 0
# says: Upside down: the kernel searches from above, and the layer with the highest number lies on top.
from labkit.errors import PathMissing

layers, answer = read_layers(host, find(daemon, task.container)).layers, {}
for path in task.files:
    answer[path] = []
    for layer in layers:
        try:
            if host.stat(layer.directory + path).kind == "-":
                answer[path].append(layer.number)
        except PathMissing:
            pass
