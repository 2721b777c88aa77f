# points: 0
# says: Without the overlay there is no view: mount it again as it was.
find(daemon, task.bench).sh("umount /bench/view; mkdir /bench/own/etc; mknod /bench/own/etc/motd c 0 0")
