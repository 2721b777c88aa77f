"""What the course measures about itself: ``make bench``, or ``make bench ONLY=name``.

A row is a generator in one of the modules of ``rows``; ``harness.row`` registers it with its target and its comparison.
"""
