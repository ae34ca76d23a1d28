"""Receivers of events: their settings, and the deliveries to them."""
