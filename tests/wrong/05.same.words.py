# points: 0
# says: The same words are not the same file: one of the two has its own, and could change it alone.
one, other = (find(daemon, name) for name in task.containers)
answer = [path for path in task.files if one.sh(f"cat {path}") == other.sh(f"cat {path}")]
