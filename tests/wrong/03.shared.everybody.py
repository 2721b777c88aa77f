# points: 0
# says: but so do all four, and the host: Docker made no new one for them.
comparison = compare_namespaces(host, *(find(daemon, name) for name in task.containers))
[pair] = {group for kind in comparison.ids for group in comparison.groups(kind) if len(group) == 2}
other, one = (name for name in task.containers if name not in pair)
answer = (one, other, "user")
