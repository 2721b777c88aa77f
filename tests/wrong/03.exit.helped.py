# points: 4
# says: The command waits for somebody to end it. The code shall come from the command itself.
from labkit import wait_until

script = f'trap "exit {task.code}" TERM; echo ready; while :; do sleep 0.1; done'
sh(f"docker run -d --name {task.container} --label {task.label} {task.image} sh -c '{script}'")
wait_until(lambda: find(daemon, task.container).logs(), "the trap is set")
sh(f"docker stop {task.container}")
