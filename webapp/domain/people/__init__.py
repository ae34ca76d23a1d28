"""Names, passwords, API keys, devices, and limits on wrong sign-ins."""
