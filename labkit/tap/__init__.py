"""The wiretap: a socket in front of the daemon's, on which everything is passed on and written down."""
