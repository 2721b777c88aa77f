def on_disk(*names):
    return sum({layer.chain_id: layer.size for name in names for layer in read_layers(host, name).layers}.values())


answer = {"comes": on_disk(*task.there, task.next) - on_disk(*task.there), "all": on_disk(*task.there, task.next)}
