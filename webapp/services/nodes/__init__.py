"""The cluster as a worker last saw it, and the differences that reconciliation found."""
