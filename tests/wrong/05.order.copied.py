# points: 0
# says: Files that are copied into one directory are no view: what the kernel shows, is mounted.
box = find(daemon, task.bench)
for file, word in task.wanted.items():
    box.sh(f"echo {word} > /bench/view/{file}")
