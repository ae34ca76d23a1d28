"""The worker process: claims desktops and brings them into the state of their rows."""
