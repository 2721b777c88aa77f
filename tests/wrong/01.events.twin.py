# points: 2
# says: That is the exit code of the other container, the twin: compare the names.
wanted = {"type": "container", "container": task.container.replace("box", "twin")}
told = list(daemon.client.events(since=task.since, until=task.until, filters=wanted, decode=True))
[death] = [event for event in told if event["Action"] == "die"]
answer = {"actions": [e["Action"] for e in told], "exit code": int(death["Actor"]["Attributes"]["exitCode"])}
