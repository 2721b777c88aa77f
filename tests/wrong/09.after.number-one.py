# points: 5
# says: Without a number 1 there is no PID namespace
def after(family, ended, waits):
    rows = [[n, 1 if parent == ended else parent, "Z" if n == ended else state] for n, parent, state in family]
    return [row for row in rows if not (waits and row[1:] == [1, "Z"])]
