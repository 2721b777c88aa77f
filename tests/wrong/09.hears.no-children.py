# points: 3
# says: Number 1 hears TERM, and its trap sends the app a TERM of its own: the app hears that.
from labkit.sandbox import find

answer = {}
for name in task.containers:
    first = find(daemon, name).sh("cat /proc/1/comm")
    answer[name] = (first, first == task.app)
