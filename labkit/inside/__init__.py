"""Readers of what Docker leaves behind. They take a Host, paths or text, never a client."""
