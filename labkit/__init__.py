"""labkit drives a real Docker daemon, looks underneath it, and judges exercises by what it finds."""
