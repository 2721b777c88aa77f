# points: 3
# says: That is the gateway: the host's end of the bridge.
facts = find(daemon, task.container).inspect()
[network] = facts["NetworkSettings"]["Networks"].values()
answer = {"id": facts["Id"], "pid": facts["State"]["Pid"], "ip": network["Gateway"]}
