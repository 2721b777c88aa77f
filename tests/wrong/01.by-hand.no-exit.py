# points: 2
# says: A shell ends with the code of its last command, unless exit says another one.
box = daemon.client.containers.create(task.image, ["sh", "-c", f"echo {task.word}"], name=task.container)
box.start()
box.wait()
answer = [201, 204, 200]
