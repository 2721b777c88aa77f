"""Chapters, exercises, judges, hints and progress: what turns a notebook into a course."""
