"""Who may connect, what ends a connection, and the events that are sent to programs."""
