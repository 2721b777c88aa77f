# points: 2
# says: connect and disconnect are events of the network that it was plugged into, not of the container.
told = list(daemon.client.events(since=task.since, until=task.until, decode=True))
[death] = [e for e in told if e["Action"] == "die" and e["Actor"]["Attributes"]["name"] == task.container]
mine = [e for e in told if death["Actor"]["ID"] in (e["Actor"]["ID"], e["Actor"]["Attributes"].get("container"))]
answer = {"actions": [e["Action"] for e in mine], "exit code": int(death["Actor"]["Attributes"]["exitCode"])}
