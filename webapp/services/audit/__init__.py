"""The audit log: writing entries with the action, reading, exporting and announcing them."""
