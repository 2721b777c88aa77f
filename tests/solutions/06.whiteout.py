def names(entries):
    found = []
    for path, kind, major, minor, opaque in entries:
        folder, slash, name = path.rpartition("/")
        hole = (kind, major, minor) == ("c", 0, 0)
        found.append(f"{folder}{slash}.wh.{name}" if hole else path)
        if opaque:
            found.append(f"{path}/.wh..wh..opq")
    return found
