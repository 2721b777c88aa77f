facts = find(daemon, task.container).inspect()
[network] = facts["NetworkSettings"]["Networks"].values()
answer = {"id": facts["Id"], "pid": facts["State"]["Pid"], "ip": network["IPAddress"]}
