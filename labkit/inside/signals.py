"""Signals of real processes: what one does with them, and what one would do to it.

A door to four rooms: ``masks`` reads what a process has told the kernel, ``fates`` foretells by it, ``timelines`` tells
what happened, ``numbers`` has the names.
"""

from __future__ import annotations

from labkit.inside.awaiting import parse_mask as parse_mask
from labkit.inside.fates import Fate as Fate
from labkit.inside.fates import Stop as Stop
from labkit.inside.fates import foretell as foretell
from labkit.inside.fates import predict as predict
from labkit.inside.fates import predict_stop as predict_stop
from labkit.inside.masks import Masks as Masks
from labkit.inside.masks import parse_masks as parse_masks
from labkit.inside.masks import read_masks as read_masks
from labkit.inside.numbers import read_signal as read_signal
from labkit.inside.numbers import signal_name as signal_name
from labkit.inside.numbers import signal_number as signal_number
from labkit.inside.timelines import timeline as timeline
