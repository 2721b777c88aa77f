# points: 0
# says: A directory that is not among the lowers is not seen, wherever it lies.
box = find(daemon, task.bench)
box.sh(f"mount -t overlay -o lowerdir={':'.join(task.directories[:3])} overlay /bench/view")
