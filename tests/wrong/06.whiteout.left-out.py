# points: 2
# says: .wh. stands before the last name, not before the path
def names(entries):
    found = []
    for path, kind, major, minor, opaque in entries:
        if (kind, major, minor) != ("c", 0, 0):
            found.append(path)
        if opaque:
            found.append(f"{path}/.wh..wh..opq")
    return found
