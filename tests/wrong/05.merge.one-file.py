# points: 0
# says: A file hides a whole directory below it.
def merged(layers):
    seen = {}
    for number, layer in enumerate(layers, 1):
        for path, kind in layer.items():
            seen[path] = number
            if kind == "whiteout":
                del seen[path]
    return seen
