"""Benchmarks with real components: the phases of a launch, and the speed of the pages."""
