def fate(status, signal, first):
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    blocked, ignored, caught = (int(lines[name], 16) >> signal - 1 & 1 for name in ("SigBlk", "SigIgn", "SigCgt"))
    if signal in (9, 19):
        return "default"
    if blocked:
        return "waits"
    if ignored:
        return "nothing"
    if caught:
        return "handler"
    return "nothing" if first else "default"
