# points: 1
# says: of the image, counted from below. Which number has the one asked for?
answer = read_layers(host, task.image).layers[0].directory
