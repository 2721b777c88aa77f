# points: 2
# says: What is hidden is still there: each layer keeps its file, also below a whiteout or an opaque directory.
from labkit.inside.union import read_visible

stack = read_layers(host, find(daemon, task.container))
found = {seen.path: seen for seen in read_visible(host, stack) if seen.path in task.files}
answer = {path: [seen.layer, *reversed(seen.hides)] for path, seen in found.items()}
