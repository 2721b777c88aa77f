# points: 2
# says: Before SIGKILL there was a SIGTERM to one of these: somebody asked first, and waited.
from labkit.sandbox import find

answer = {}
for name in task.containers:
    signals = [step.signal for step in read_life(find(daemon, name)).steps if step.action == "kill"]
    answer[name] = "own" if not signals else "stop" if signals == [9] else "kill"
