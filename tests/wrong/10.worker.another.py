# points: 3
# says: It had been asked, and took another item all the same
script = """\
#!/bin/sh
trap 'asked=yes' TERM
for item in $(cat /srv/todo); do
    last=$asked
    mix "$item"
    bake "$item"
    pack "$item"
    [ "$last" ] && break
done
exit 0
"""
stack(daemon, {"bin/worker": script}, base=task.base, tag=task.image, Cmd=["sh", "/bin/worker"])
