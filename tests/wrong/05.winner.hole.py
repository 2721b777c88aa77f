# points: 2
# says: There is an entry of that name, and it is no file: a whiteout hides, and is nothing that can be hidden.
from labkit.errors import PathMissing

layers, answer = read_layers(host, find(daemon, task.container)).layers, {}
for path in task.files:
    answer[path] = []
    for layer in reversed(layers):
        try:
            host.stat(layer.directory + path)
            answer[path].append(layer.number)
        except PathMissing:
            pass
