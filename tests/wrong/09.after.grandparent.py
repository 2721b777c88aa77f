# points: 2
# says: they all go to number 1, not to their grandparent.
def after(family, ended, waits):
    if ended == 1:
        return []
    parents = {number: parent for number, parent, _ in family}
    rows = [[n, parents[ended] if p == ended else p, "Z" if n == ended else state] for n, p, state in family]
    return [row for row in rows if not (waits and row[1:] == [1, "Z"])]
