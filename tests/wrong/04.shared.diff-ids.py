# points: 0
# says: They have layers with the same files, but on other layers below: for the store these are other layers.
from itertools import combinations

layers = {name: {layer.diff_id for layer in read_layers(host, name).layers} for name in task.images}
one, other = max(combinations(layers, 2), key=lambda two: len(layers[two[0]] & layers[two[1]]))
answer = (one, other, len(layers[one] & layers[other]))
