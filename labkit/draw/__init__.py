"""Pictures from the readers' values. Nothing here reads the system; each picture prints what it says in words."""

from labkit.draw.census import census
from labkit.draw.copy_up import copy_up
from labkit.draw.events import events
from labkit.draw.image_tree import image_tree
from labkit.draw.layer_stack import layer_stack
from labkit.draw.life_cycle import life_cycle
from labkit.draw.namespaces import namespaces
from labkit.draw.permissions import permissions
from labkit.draw.route import route
from labkit.draw.sequence import sequence
from labkit.draw.timeline import timeline

__all__ = [
    "census",
    "copy_up",
    "events",
    "image_tree",
    "layer_stack",
    "life_cycle",
    "namespaces",
    "permissions",
    "route",
    "sequence",
    "timeline",
]
