# points: 1
# says: Number 1 waits for one of the two, and ends when that one has ended.
from labkit.sandbox import find

answer = {}
for name in task.containers:
    words = find(daemon, name).sh("ps -o comm").split()
    answer[name] = [word for word in words[1:] if word == "sh" or "-" in word]
