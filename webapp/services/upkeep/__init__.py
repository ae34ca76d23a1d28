"""The worker's tasks for the site: reconciliation, the doctor, clean-ups and heartbeats."""
