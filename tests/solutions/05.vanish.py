find(daemon, task.bench).sh("""
umount /bench/view
mkdir -p /bench/own/etc
mknod /bench/own/etc/motd c 0 0
mount -t overlay -o lowerdir=/bench/image,upperdir=/bench/own,workdir=/bench/work overlay /bench/view
""")
