"""Texts for the codes of the services and the domain."""
