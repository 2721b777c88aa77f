# points: 1
# says: docker ps does not show it: a container whose process has ended is still there until it is removed.
for container in daemon.client.containers.list(filters={"label": f"garden={task.garden}"}):
    container.remove(force=True)
