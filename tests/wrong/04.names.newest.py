# points: 2
# says: latest is a tag like any other: somebody set it once, and nothing moves it to the newest version.
lines = sh(f"docker images {task.name} --format '{{{{.Tag}}}} {{{{.ID}}}}'").splitlines()
ids = dict(line.split() for line in lines)
newest = max(tag for tag in ids if tag[0].isdigit())
answer = {"rows": len(ids), "images": len(set(ids.values())), "latest": f"{task.name}:{newest}"}
