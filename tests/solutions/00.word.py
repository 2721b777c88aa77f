box = daemon.client.containers.get(task.container)
answer = box.labels[task.label]
