# points: 4
# says: this whiteout was made by overlayfs itself, when somebody removed the file through the view.
find(daemon, task.bench).sh(f"rm {task.file}")
