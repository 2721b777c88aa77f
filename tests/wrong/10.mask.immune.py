# points: 4
# says: No mask can hold 9 and 19 back. From outside they reach the first process of a container, too.
def fate(status, signal, first):
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    blocked, ignored, caught = (int(lines[name], 16) >> signal - 1 & 1 for name in ("SigBlk", "SigIgn", "SigCgt"))
    if blocked:
        return "waits"
    if ignored:
        return "nothing"
    if caught:
        return "handler"
    return "nothing" if first else "default"
