# points: 2
# says: They lie upside down: in lowerdir the first is the uppermost, and the last lies at the bottom.
from itertools import permutations

box = find(daemon, task.bench)
for order in permutations(task.directories):
    box.sh(f"mount -t overlay -o lowerdir={':'.join(order)} overlay /bench/view")
    seen = {file: box.sh(f"cat /bench/view/{file}") for file in task.wanted}
    box.sh("umount /bench/view")
    if seen == task.wanted:
        box.sh(f"mount -t overlay -o lowerdir={':'.join(reversed(order))} overlay /bench/view")
        break
