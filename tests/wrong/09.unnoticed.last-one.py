# points: 1
# says: Number 1 itself is missing: when the shell is killed, all others go with it.
from labkit.sandbox import find

answer = {}
for name in task.containers:
    line = find(daemon, name).inspect()["Config"]["Cmd"][-1]
    programs = [word.strip(";") for word in line.split() if "-" in word and len(word.strip(";")) > 5]
    answer[name] = programs[-1:]
