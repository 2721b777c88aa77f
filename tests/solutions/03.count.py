lines = sh(f"docker ps -a --filter name={task.prefix} --format '{{{{.Names}}}} {{{{.State}}}}'").splitlines()
states = [line.split()[1] for line in lines]
answer = {state: states.count(state) for state in ("running", "paused", "exited", "created")}
answer["ps"] = answer["running"] + answer["paused"]
answer["ps -a"] = len(lines)
answer["newest"] = lines[0].split()[0]
