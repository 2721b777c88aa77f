# points: 0
# says: If it lists one that the tar does not bring, no daemon can run the image.
config, layers = read_saved(daemon, task.image)
found = [task.file[1:] in tarfile.open(fileobj=io.BytesIO(layer)).getnames() for layer in layers]
del layers[found.index(True)]
try:
    daemon.client.images.load(write_saved(config, layers, task.clean))
except Exception as error:
    print(error)
