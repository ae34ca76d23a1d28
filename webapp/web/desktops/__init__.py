"""The pages of a person's desktops: home, one desktop, history."""
