# points: 0
# says: One of those lives among another container's processes, and is not number 1 there.
from labkit.inside.signals import signal_number
from labkit.sandbox import find

answer = {}
for name in task.containers:
    box = find(daemon, name)
    masks = read_masks(host, box.pid)
    signal = signal_number(box.inspect()["Config"].get("StopSignal") or "TERM")
    if signal not in masks.caught:
        answer[name] = "ignored" if signal in masks.ignored else "no handler"
