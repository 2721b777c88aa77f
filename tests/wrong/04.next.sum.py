# points: 0
# says: That counts a layer as often as there are images that have it. The disk has it once.
size = {name: sum(layer.size for layer in read_layers(host, name).layers) for name in [*task.there, task.next]}
answer = {"comes": size[task.next], "all": sum(size.values())}
