# points: 2
# says: It came and went: docker diff compares two states, and neither of them has it.
import re

text = "\n".join(task.lines)
program = re.search("rm /bin/(.+)", text)[1]
old, new = re.search("mv (.+) (.+)", text).groups()
folder = re.search("mkdir -p (.+)", text)[1]
inner, brief = re.findall("echo .+ > (.+)", text)
other = {"/etc/passwd": "/etc/group", "/etc/group": "/etc/passwd"}[old]
answer = [f"A {new}", "A /srv", f"A {folder}", f"A {inner}", f"D /bin/{program}", f"D {old}"]
answer += [f"A {brief}", f"D {brief}", "C /bin", "C /etc", f"C {other}"]
