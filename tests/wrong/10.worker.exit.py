# points: 3
# says: Exit code 0, and an item is half done. A handler that ends the program ends it between two steps;
script = """\
#!/bin/sh
trap 'exit 0' TERM
for item in $(cat /srv/todo); do
    mix "$item"
    bake "$item"
    pack "$item"
done
"""
stack(daemon, {"bin/worker": script}, base=task.base, tag=task.image, Cmd=["sh", "/bin/worker"])
