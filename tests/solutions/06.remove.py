config, layers = read_saved(daemon, task.image)
found = [task.file[1:] in tarfile.open(fileobj=io.BytesIO(layer)).getnames() for layer in layers]
number = found.index(True)
del layers[number], config["rootfs"]["diff_ids"][number], config["history"][number]
daemon.client.images.load(write_saved(config, layers, task.clean))
