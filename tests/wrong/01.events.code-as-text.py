# points: 2
# says: Hand in a number: the daemon writes it as a text, as all attributes are.
wanted = {"type": "container", "container": task.container}
told = list(daemon.client.events(since=task.since, until=task.until, filters=wanted, decode=True))
[death] = [event for event in told if event["Action"] == "die"]
answer = {"actions": [event["Action"] for event in told], "exit code": death["Actor"]["Attributes"]["exitCode"]}
