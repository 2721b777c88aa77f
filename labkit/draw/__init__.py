"""Pictures from the readers' values. Nothing here reads the system; each picture prints what it says in words."""

from labkit.draw.events import events
from labkit.draw.permissions import permissions
from labkit.draw.route import route
from labkit.draw.sequence import sequence

__all__ = ["events", "permissions", "route", "sequence"]
