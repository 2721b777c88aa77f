# points: 0
# says: Inside, both show the same inode number
one, other = (find(daemon, name) for name in task.containers)
answer = [path for path in task.files if one.sh(f"stat -c %i {path}") == other.sh(f"stat -c %i {path}")]
