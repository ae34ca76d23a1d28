"""Addresses, VM ids and marks of containers, and which node a desktop goes to."""
