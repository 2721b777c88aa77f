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
stack(daemon, {"bin/worker": script}, base=task.base, tag=task.image, Cmd=["sh", "/bin/worker"])
