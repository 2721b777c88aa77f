# points: 0
# says: The container's own layer lies above all of the image's: what was written in it wins.
from labkit.errors import PathMissing

layers, answer = read_layers(host, find(daemon, task.container)).image, {}
for path in task.files:
    answer[path] = []
    for layer in reversed(layers):
        try:
            if host.stat(layer.directory + path).kind == "-":
                answer[path].append(layer.number)
        except PathMissing:
            pass
