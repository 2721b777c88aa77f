# points: 3
# says: With an upperdir somebody can write there, and then a fifth directory wins over all four.
from itertools import permutations

box = find(daemon, task.bench)
box.sh("mkdir /bench/upper /bench/work")
for order in permutations(task.directories):
    options = f"lowerdir={':'.join(order)},upperdir=/bench/upper,workdir=/bench/work"
    box.sh(f"mount -t overlay -o {options} overlay /bench/view")
    if all(box.sh(f"cat /bench/view/{file}") == word for file, word in task.wanted.items()):
        break
    box.sh("umount /bench/view")
