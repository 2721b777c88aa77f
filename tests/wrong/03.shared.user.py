# points: 2
# says: They do share user, but so do all four, and the host
comparison = compare_namespaces(host, *(find(daemon, name) for name in task.containers))
[pair] = {group for kind in comparison.ids for group in comparison.groups(kind) if len(group) == 2}
answer = (*pair, "user")
