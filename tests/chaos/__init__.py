"""Chaos: everything is killed at every step and at random; nothing may leak or be owned twice."""
