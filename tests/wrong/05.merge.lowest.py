# points: 0
# says: The layers come lowest first, and the uppermost wins.
def merged(layers):
    seen = {}
    for number, layer in enumerate(layers, 1):
        for path, kind in layer.items():
            if kind != "dir":
                hidden = [old for old in seen if old == path or old.startswith(path + "/")]
                seen = {old: seen[old] for old in seen if old not in hidden or seen[old] == number}
            if kind != "whiteout":
                seen.setdefault(path, number)
    return seen
