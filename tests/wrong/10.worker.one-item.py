# points: 0
# says: It ended before anybody asked it to.
script = """\
#!/bin/sh
for item in $(cat /srv/todo); do
    mix "$item"
    bake "$item"
    pack "$item"
    break
done
"""
stack(daemon, {"bin/worker": script}, base=task.base, tag=task.image, Cmd=["sh", "/bin/worker"])
