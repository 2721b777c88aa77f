# points: 0
# says: TERM goes to number 1 alone: has that a handler, and does it stop taking new items?
script = """\
#!/bin/sh
trap 'asked=yes' TERM
for item in $(cat /srv/todo); do
    [ "$asked" ] && break
    mix "$item"
    bake "$item"
    pack "$item"
done
"""
stack(daemon, {"bin/worker": script}, base=task.base, tag=task.image, Cmd=["sh", "-c", "sh /bin/worker; true"])
