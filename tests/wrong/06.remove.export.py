# points: 4
# says: One file was too much. What came of export, or of copying, has lost the layers
changes = "--change 'LABEL labkit=exercise' --change 'CMD cat /srv/greeting' --change 'ENV PATH=/bin'"
with run(task.image, f"rm {task.file}", what="rm") as box:
    box.wait()
    sh(f"docker export {box.name} | docker import {changes} - {task.clean}")
