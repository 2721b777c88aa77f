# points: 1
# says: A layer is gone, but not the one with the file: look into the tar of each.
config, layers = read_saved(daemon, task.image)
del layers[-1], config["rootfs"]["diff_ids"][-1], config["history"][-1]
daemon.client.images.load(write_saved(config, layers, task.clean))
