# points: 3
# says: Only a character device with the numbers 0,0 is a whiteout. /dev/null is 1,3, and stays what it is.
def names(entries):
    found = []
    for path, kind, _, _, opaque in entries:
        folder, slash, name = path.rpartition("/")
        found.append(f"{folder}{slash}.wh.{name}" if kind == "c" else path)
        if opaque:
            found.append(f"{path}/.wh..wh..opq")
    return found
