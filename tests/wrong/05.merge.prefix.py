# points: 3
# says: /data.old does not lie in /data
def merged(layers):
    seen = {}
    for number, layer in enumerate(layers, 1):
        for path, kind in layer.items():
            if kind == "whiteout":
                seen = {old: seen[old] for old in seen if not old.startswith(path) or seen[old] == number}
            elif kind != "dir":
                hidden = [old for old in seen if old == path or old.startswith(path + "/")]
                seen = {old: seen[old] for old in seen if old not in hidden or seen[old] == number}
            if kind != "whiteout":
                seen[path] = number
    return seen
