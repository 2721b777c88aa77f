# points: 4
# says: An ignored one was not handled: the kernel threw it away.
def fate(status, signal, first):
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    blocked, ignored, caught = (int(lines[name], 16) >> signal - 1 & 1 for name in ("SigBlk", "SigIgn", "SigCgt"))
    if signal in (9, 19):
        return "default"
    if caught or ignored:
        return "handler"
    if blocked:
        return "waits"
    return "nothing" if first else "default"
