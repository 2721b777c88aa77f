# points: 1
# says: One step too high
[layer] = [layer for layer in read_layers(host, task.image).layers if layer.diff_id == task.layer]
answer = layer.directory.rpartition("/")[0]
