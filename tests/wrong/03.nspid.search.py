# points: 3
# says: A process may call itself NSpid, and Linux before 4.1 has no such line: look at how a line begins.
def inside(texts):
    found = {}
    for text in texts:
        if "NSpid:" in text:
            pids = [int(word) for word in text.split("NSpid:")[1].splitlines()[0].split()]
            if len(pids) > 1:
                found[pids[0]] = pids[-1]
    return found
