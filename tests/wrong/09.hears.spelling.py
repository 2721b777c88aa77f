# points: 1
# says: Exec form and shell form are not two spellings of one command
answer = {name: (task.app, True) for name in task.containers}
