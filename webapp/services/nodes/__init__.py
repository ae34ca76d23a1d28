"""The cluster as the worker last saw it, and differences that were found."""
