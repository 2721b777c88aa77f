# points: 2
# says: That is the third image as a whole. What it shares with the first was there already.
layers = {layer.chain_id: layer.size for name in [*task.there, task.next] for layer in read_layers(host, name).layers}
answer = {"comes": sum(layer.size for layer in read_layers(host, task.next).layers), "all": sum(layers.values())}
