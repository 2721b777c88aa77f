# points: 0
# says: docker stop does not send TERM to all of them: one is asked with
from labkit.sandbox import find

answer = {}
for name in task.containers:
    box = find(daemon, name)
    if predict_stop(host, box.pid).whole_grace:
        answer[name] = "ignored" if 15 in read_masks(host, box.pid).ignored else "no handler"
