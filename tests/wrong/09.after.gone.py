# points: 1
# says: It keeps its number and its parent until that asks how it ended.
def after(family, ended, waits):
    if ended == 1:
        return []
    return [[number, 1 if parent == ended else parent, state] for number, parent, state in family if number != ended]
