# points: 1
# says: SIGKILL came to a child there, not to the first process. That one asked how its child had ended, and said so.
from labkit.sandbox import find

answer = {}
for name in task.containers:
    box = find(daemon, name)
    signals = [step.signal for step in read_life(box).steps if step.action == "kill"]
    answer[name] = "stop" if 15 in signals else "own" if "exit 137" in str(box.inspect()["Config"]["Cmd"]) else "kill"
