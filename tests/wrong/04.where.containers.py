# points: 1
# says: That is the container's: what is written there belongs to no layer of the image.
from labkit.sandbox import find

answer = read_layers(host, find(daemon, task.container)).own.directory
