# points: 0
# says: Something is mounted over it. The name is still there, and whoever unmounts it has the file back.
find(daemon, task.bench).sh(f"mount --bind /dev/null {task.file}")
