"""The events of webhooks, and the addresses that they may be sent to."""
