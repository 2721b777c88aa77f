"""Other graders on the same exercises, and what our own needs to meet them there."""
