# points: 0
# says: From inside nobody stops number 1, not even with SIGSTOP.
from labkit.sandbox import find

find(daemon, task.container).sh("kill -STOP 1")
