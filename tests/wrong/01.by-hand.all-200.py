# points: 3
# says: HTTP has more than one word for success; read the first line of each answer.
command = ["sh", "-c", f"echo {task.word}; exit {task.code}"]
box = daemon.client.containers.create(task.image, command, name=task.container)
box.start()
box.wait()
answer = [200, 200, 200]
