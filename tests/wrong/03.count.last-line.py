# points: 4
# says: The newest is the one created last. When it was started, or whether at all, does not count.
lines = sh(f"docker ps -a --filter name={task.prefix} --format '{{{{.Names}}}} {{{{.State}}}}'").splitlines()
states = [line.split()[1] for line in lines]
answer = {state: states.count(state) for state in ("running", "paused", "exited", "created")}
answer |= {"ps": answer["running"] + answer["paused"], "ps -a": len(lines), "newest": lines[-1].split()[0]}
