# points: 0
# says: Without rights nobody but root reads it, but the name is there
find(daemon, task.bench).sh(f"chmod 000 {task.file}")
