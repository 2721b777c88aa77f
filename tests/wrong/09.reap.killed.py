# points: 1
# says: no signal does anything to a zombie, and a new start makes new ones.
from labkit.sandbox import find

sh(f"docker run -d --name {task.mine} {task.image}")
mine = find(daemon, task.mine)
wait_until(lambda: "Z" in mine.sh("ps -o stat"), "there is a zombie")
mine.sh("kill -KILL $(ps -o pid,stat | grep Z | cut -c1-6)")
