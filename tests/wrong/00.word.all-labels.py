# points: 0
# says: This is the whole dictionary; one of its values is the word.
answer = daemon.client.containers.get(task.container).labels
