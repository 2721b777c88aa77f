# points: 2
# says: what went through docker export has lost its layers and its settings.
sh(f"docker export {task.container} | docker import --change 'LABEL labkit=exercise' - {task.image}")
