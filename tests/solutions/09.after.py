def after(family, ended, waits):
    rows = []
    for number, parent, state in family:
        if parent == ended:
            parent = 1
        if number == ended:
            state = "Z"
        if not (waits and parent == 1 and state == "Z"):
            rows.append([number, parent, state])
    return rows if ended != 1 else []
