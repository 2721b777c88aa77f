def inside(texts):
    found = {}
    for text in texts:
        for line in text.splitlines():
            if line.startswith("NSpid:"):
                pids = [int(word) for word in line.split()[1:]]
                if len(pids) > 1:
                    found[pids[0]] = pids[-1]
    return found
