# points: 0
# says: That is the twin's. They run the same program, and are two containers all the same.
facts = find(daemon, task.twin).inspect()
[network] = facts["NetworkSettings"]["Networks"].values()
answer = {"id": facts["Id"], "pid": facts["State"]["Pid"], "ip": network["IPAddress"]}
