# points: 0
# says: it is still there
for container in daemon.client.containers.list(all=True, filters={"label": f"garden={task.garden}"}):
    container.stop()
