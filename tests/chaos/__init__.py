"""Chaos tests: kill processes at each step and at random; check for leaks and double owners."""
