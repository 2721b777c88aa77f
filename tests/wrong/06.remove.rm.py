# points: 1
# says: A layer above hides the file. Below it the file is still there, for everybody who saves the image.
with run(task.image, f"rm {task.file}", what="rm") as box:
    box.wait()
    sh(f"docker commit --change 'CMD cat /srv/greeting' {box.name} {task.clean}")
