from itertools import permutations

box = find(daemon, task.bench)
for order in permutations(task.directories):
    box.sh(f"mount -t overlay -o lowerdir={':'.join(order)} overlay /bench/view")
    if all(box.sh(f"cat /bench/view/{file}") == word for file, word in task.wanted.items()):
        break
    box.sh("umount /bench/view")
