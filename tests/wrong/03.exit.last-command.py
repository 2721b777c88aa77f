# points: 2
# says: Its command ended well. A shell ends with the code of its last command, unless exit says another.
sh(f"docker run --name {task.container} --label {task.label} {task.image} sh -c '(exit {task.code}); echo done'")
