# points: 2
# says: Each of the two has one of its own of that kind.
comparison = compare_namespaces(host, *(find(daemon, name) for name in task.containers))
[pair] = {group for kind in comparison.ids for group in comparison.groups(kind) if len(group) == 2}
answer = (*pair, "mnt")
