# points: 0
# says: There all layers are seen at once, as the container sees them.
from labkit.sandbox import find

answer = f"/proc/{find(daemon, task.container).pid}/root"
