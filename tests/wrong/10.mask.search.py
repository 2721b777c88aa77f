# points: 3
# says: And only how a line begins says what it is.
def fate(status, signal, first):
    words = [status.split(name)[1].split()[0] for name in ("SigBlk:", "SigIgn:", "SigCgt:")]
    blocked, ignored, caught = (int(word, 16) >> signal - 1 & 1 for word in words)
    if signal in (9, 19):
        return "default"
    if blocked:
        return "waits"
    if ignored:
        return "nothing"
    if caught:
        return "handler"
    return "nothing" if first else "default"
