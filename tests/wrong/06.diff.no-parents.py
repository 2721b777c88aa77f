# points: 2
# says: A directory is a list of names: where one was added or removed, it has changed too.
import re

text = "\n".join(task.lines)
program = re.search("rm /bin/(.+)", text)[1]
old, new = re.search("mv (.+) (.+)", text).groups()
folder = re.search("mkdir -p (.+)", text)[1]
inner, brief = re.findall("echo .+ > (.+)", text)
other = {"/etc/passwd": "/etc/group", "/etc/group": "/etc/passwd"}[old]
answer = [f"A {new}", "A /srv", f"A {folder}", f"A {inner}", f"D /bin/{program}", f"D {old}", f"C {other}"]
