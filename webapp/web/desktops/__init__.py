"""A person's desktops: home, one desktop, those that were."""
