# points: 4
# says: Number 1 is spared every default action: a signal that it has no handler for does nothing.
def fate(status, signal, first):
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    blocked, ignored, caught = (int(lines[name], 16) >> signal - 1 & 1 for name in ("SigBlk", "SigIgn", "SigCgt"))
    if signal in (9, 19):
        return "default"
    return "waits" if blocked else "nothing" if ignored else "handler" if caught else "default"
