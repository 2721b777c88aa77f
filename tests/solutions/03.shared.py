comparison = compare_namespaces(host, *(find(daemon, name) for name in task.containers))
[answer] = [(*group, kind) for kind in comparison.ids for group in comparison.groups(kind) if len(group) == 2]
