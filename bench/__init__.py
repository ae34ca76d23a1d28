"""Benchmarks on real parts: where the time of a launch goes, and how fast the pages are."""
