from labkit.sandbox import find

answer = {}
for name in task.containers:
    signals = [step.signal for step in read_life(find(daemon, name)).steps if step.action == "kill"]
    answer[name] = "own" if not signals else "kill" if signals == [9] else "stop"
