"""Who may connect, what ends a connection, and what programs learn of it."""
