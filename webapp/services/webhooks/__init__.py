"""Webhooks: their settings and deliveries."""
