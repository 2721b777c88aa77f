# points: 0
# says: That is the container's own process. Its parent is one step up.
own = daemon.client.containers.get(task.container).attrs["State"]["Pid"]
answer = (own, "sleep")
