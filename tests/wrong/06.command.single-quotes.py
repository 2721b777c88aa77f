# points: 1
# says: The exec form is JSON, and JSON has double quotes only. Anything else is a line for the shell.
command = f"CMD ['cat', '{task.file}']"
sh(f'docker commit --change "{command}" {task.container} {task.image}')
