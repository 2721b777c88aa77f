# points: 3
# says: exec starts no process: the shell becomes the app, with the number that it has.
from labkit.sandbox import find

answer = {}
for name in task.containers:
    box = find(daemon, name)
    config = box.inspect()["Config"]
    first = ((config["Entrypoint"] or []) + (config["Cmd"] or []))[0].removeprefix("/bin/")
    start = box.sh("cat /bin/start 2>/dev/null || true")
    heard = box.sh("cat /proc/1/comm") == task.app or "kill -TERM" in start
    answer[name] = (first, heard)
