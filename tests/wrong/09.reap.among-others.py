# points: 0
# says: It lives among the processes of another, and leaves its orphans to that one's number 1.
sh(f"docker run -d --name {task.mine} --pid container:{task.container} {task.image}")
