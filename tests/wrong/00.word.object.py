# points: 0
# says: Container is not data that can be handed in
answer = daemon.client.containers.get(task.container)
