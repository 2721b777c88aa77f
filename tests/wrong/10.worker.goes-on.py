# points: 0
# says: It was asked, the whole grace period passed, and SIGKILL ended it.
script = """\
#!/bin/sh
trap 'echo finishing' TERM
for item in $(cat /srv/todo); do
    mix "$item"
    bake "$item"
    pack "$item"
done
"""
stack(daemon, {"bin/worker": script}, base=task.base, tag=task.image, Cmd=["sh", "/bin/worker"])
