# points: 2
# says: A row is a name. One image has as many rows as it has names, and all of them show the same id.
lines = sh(f"docker images {task.name} --format '{{{{.Tag}}}} {{{{.ID}}}}'").splitlines()
ids = dict(line.split() for line in lines)
[version] = [tag for tag, number in ids.items() if number == ids["latest"] and tag[0].isdigit()]
answer = {"rows": len(ids), "images": len(ids), "latest": f"{task.name}:{version}"}
