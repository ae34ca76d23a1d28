"""What audit entries are about."""
