# points: 3
# says: What is sent to number 1 is sent to nobody else.
answer = {}
for name in task.containers:
    first_line = sh(f"docker top {name} -eo pid,comm").splitlines()[1]
    answer[name] = (first_line.split()[1], True)
