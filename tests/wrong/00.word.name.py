# points: 0
# says: This says which container it is. The label is something that was written on it.
answer = daemon.client.containers.get(task.container).name
