# points: 1
# says: The file is in the layer of the container that was named, and in no other.
with run(ensure(daemon), f"touch /was-here; cat {task.file}", what="cat") as box:
    box.wait()
    sh(f"docker commit {box.name} {task.image}")
