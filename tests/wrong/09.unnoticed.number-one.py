# points: 2
# says: Number 1 looks after both, again and again, and ends as soon as one of them is no more.
from labkit.sandbox import find

answer = {name: [find(daemon, name).sh("cat /proc/1/comm")] for name in task.containers}
