"""Templates: publishing them and removing old versions."""
