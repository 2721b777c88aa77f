# points: 3
# says: That is the short id: the first 12 of 64 digits, as docker ps prints them and the host name is.
facts = find(daemon, task.container).inspect()
[network] = facts["NetworkSettings"]["Networks"].values()
answer = {"id": facts["Config"]["Hostname"], "pid": facts["State"]["Pid"], "ip": network["IPAddress"]}
