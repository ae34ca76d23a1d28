"""The use cases: who may do what, in one transaction each, with its audit entry."""
