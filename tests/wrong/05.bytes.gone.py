# points: 2
# says: What was removed has left something: an entry that is a character device 0,0.
own = read_layers(host, find(daemon, task.container)).own
answer = {"own": own.size, "copied": own.size, "holes": 0}
