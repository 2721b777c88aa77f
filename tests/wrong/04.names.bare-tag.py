# points: 2
# says: Hand in the whole name, with its version: NAME:VERSION.
lines = sh(f"docker images {task.name} --format '{{{{.Tag}}}} {{{{.ID}}}}'").splitlines()
ids = dict(line.split() for line in lines)
[version] = [tag for tag, number in ids.items() if number == ids["latest"] and tag[0].isdigit()]
answer = {"rows": len(ids), "images": len(set(ids.values())), "latest": version}
