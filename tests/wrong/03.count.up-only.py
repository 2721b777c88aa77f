# points: 4
# says: A paused container still has its process: it gets no time, but it is there, and docker ps shows it.
lines = sh(f"docker ps -a --filter name={task.prefix} --format '{{{{.Names}}}} {{{{.State}}}}'").splitlines()
states = [line.split()[1] for line in lines]
answer = {state: states.count(state) for state in ("running", "paused", "exited", "created")}
answer |= {"ps": answer["running"], "ps -a": len(lines), "newest": lines[0].split()[0]}
