from itertools import combinations

chains = {name: {layer.chain_id for layer in read_layers(host, name).layers} for name in task.images}
one, other = max(combinations(chains, 2), key=lambda two: len(chains[two[0]] & chains[two[1]]))
answer = (one, other, len(chains[one] & chains[other]))
