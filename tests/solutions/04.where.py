[answer] = [layer.directory for layer in read_layers(host, task.image).layers if layer.diff_id == task.layer]
