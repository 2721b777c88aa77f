# points: 2
# says: A container that was never started is neither running nor exited: its state is created.
lines = sh(f"docker ps -a --filter name={task.prefix} --format '{{{{.Names}}}} {{{{.State}}}}'").splitlines()
states = [line.split()[1] for line in lines]
alive = states.count("running") + states.count("paused")
answer = {"running": states.count("running"), "paused": states.count("paused"), "created": 0}
answer |= {"exited": states.count("exited"), "ps": alive, "ps -a": alive + states.count("exited")}
answer["newest"] = lines[0].split()[0]
