# points: 0
# says: Digests are names in the store's books. The directory has another name, and only the books tell which.
[layer] = [layer for layer in read_layers(host, task.image).layers if layer.diff_id == task.layer]
store, number, files = layer.directory.rsplit("/", 2)
answer = f"{store}/{layer.chain_id.partition(':')[2]}/{files}"
