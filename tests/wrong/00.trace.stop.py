# points: 0
# says: docker ps does not show it: a container whose process has ended is still there until it is removed.
for container in daemon.client.containers.list(all=True, filters={"label": f"garden={task.garden}"}):
    container.stop()
