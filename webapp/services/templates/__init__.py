"""What people can launch: publishing it, removing old versions."""
