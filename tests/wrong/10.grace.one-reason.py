# points: 2
# says: Ignored is what stands in SigIgn: the program asked for that. Who has no handler never said anything.
from labkit.sandbox import find

answer = {}
for name in task.containers:
    box = find(daemon, name)
    if predict_stop(host, box.pid, signal=box.inspect()["Config"].get("StopSignal") or "TERM").whole_grace:
        answer[name] = "ignored"
