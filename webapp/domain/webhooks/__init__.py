"""Which events webhooks get, and where they may go."""
