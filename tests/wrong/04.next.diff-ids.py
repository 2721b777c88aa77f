# points: 0
# says: The same files on other layers below are a layer of their own, with a directory of its own: data is twice.
def on_disk(*names):
    return sum({layer.diff_id: layer.size for name in names for layer in read_layers(host, name).layers}.values())


answer = {"comes": on_disk(*task.there, task.next) - on_disk(*task.there), "all": on_disk(*task.there, task.next)}
