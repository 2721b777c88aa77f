# points: 2
# says: .wh. stands before the last name, not before the path: the mark lies in the folder of what is gone.
def names(entries):
    found = []
    for path, kind, major, minor, opaque in entries:
        hole = (kind, major, minor) == ("c", 0, 0)
        found.append(f".wh.{path}" if hole else path)
        if opaque:
            found.append(f"{path}/.wh..wh..opq")
    return found
