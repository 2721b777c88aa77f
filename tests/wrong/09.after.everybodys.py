# points: 4
# says: --init waits for its own children, adopted ones among them, and for nobody else's
def after(family, ended, waits):
    if ended == 1:
        return []
    rows = [[n, 1 if parent == ended else parent, "Z" if n == ended else state] for n, parent, state in family]
    return [row for row in rows if not (waits and row[2] == "Z")]
