# points: 0
# says: An empty file hides the old contents, but it is still a file.
find(daemon, task.bench).sh(f": > {task.file}")
