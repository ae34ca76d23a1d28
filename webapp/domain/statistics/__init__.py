"""The metrics that Winux exports."""
