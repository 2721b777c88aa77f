# points: 0
# says: Ignored is not handled: one of them has told the kernel to throw TERM away, and nobody will finish anything.
from labkit.sandbox import find

answer = {}
for name in task.containers:
    box = find(daemon, name)
    stop = predict_stop(host, box.pid, signal=box.inspect()["Config"].get("StopSignal") or "TERM")
    if stop.whole_grace and stop.asked.signal not in read_masks(host, box.pid).ignored:
        answer[name] = "no handler"
