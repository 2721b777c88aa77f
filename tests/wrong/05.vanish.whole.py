# points: 3
# says: The whole directory is hidden, or what is in it: one entry is to vanish, and its neighbours stay.
find(daemon, task.bench).sh("""
umount /bench/view
mknod /bench/own/etc c 0 0
mount -t overlay -o lowerdir=/bench/image,upperdir=/bench/own,workdir=/bench/work overlay /bench/view
""")
