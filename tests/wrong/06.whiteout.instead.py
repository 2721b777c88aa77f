# points: 3
# says: The directory itself is in the layer too. First it, then DIRECTORY/.wh..wh..opq in it.
def names(entries):
    found = []
    for path, kind, major, minor, opaque in entries:
        folder, slash, name = path.rpartition("/")
        hole = (kind, major, minor) == ("c", 0, 0)
        mark = f"{folder}{slash}.wh.{name}" if hole else path
        found.append(f"{path}/.wh..wh..opq" if opaque else mark)
    return found
