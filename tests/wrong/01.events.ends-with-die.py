# points: 2
# says: Its end is missing: a container outlives its process, and is destroyed when it is removed.
wanted = {"type": "container", "container": task.container}
told = list(daemon.client.events(since=task.since, until=task.until, filters=wanted, decode=True))
actions = [event["Action"] for event in told]
code = int(told[actions.index("die")]["Actor"]["Attributes"]["exitCode"])
answer = {"actions": actions[: actions.index("die") + 1], "exit code": code}
