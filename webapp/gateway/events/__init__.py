"""Streams of events over HTTP (SSE)."""
