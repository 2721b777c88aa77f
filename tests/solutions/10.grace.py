from labkit.sandbox import find

answer = {}
for name in task.containers:
    box = find(daemon, name)
    stop = predict_stop(host, box.pid, signal=box.inspect()["Config"].get("StopSignal") or "TERM")
    if stop.whole_grace:
        ignored = stop.asked.signal in read_masks(host, box.pid).ignored
        answer[name] = "ignored" if ignored else "no handler"
