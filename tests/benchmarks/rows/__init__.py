"""The rows, one module for each part of labkit; every module here is loaded."""
