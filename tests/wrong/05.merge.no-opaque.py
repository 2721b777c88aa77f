# points: 4
# says: An opaque directory is there, and empty but for what its own layer and those above put in it.
def merged(layers):
    seen = {}
    for number, layer in enumerate(layers, 1):
        for path, kind in layer.items():
            if kind in ("whiteout", "file"):
                seen = {old: seen[old] for old in seen if old != path and not old.startswith(path + "/")}
            if kind != "whiteout":
                seen[path] = number
    return seen
