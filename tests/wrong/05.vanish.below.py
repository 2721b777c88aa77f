# points: 0
# says: That was the image's own file. There is no layer below it from which it could come back.
find(daemon, task.bench).sh("rm /bench/image/etc/motd")
