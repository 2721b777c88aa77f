"""A Docker host of one's own without any privilege: a Linux kernel as an ordinary process, with dockerd inside.

Where no daemon is found, or none may be used, ``labkit machine up`` starts one. Nothing of it needs root, KVM or a
capability: the kernel is user-mode Linux, the network slirp4netns, the wall around them Landlock.
"""

NAME = "machine"
"""What a machine is called if nothing else is said."""
