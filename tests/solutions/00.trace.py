mine = daemon.client.containers.list(all=True, filters={"label": f"garden={task.garden}"})
for container in mine:
    container.remove(force=True)
