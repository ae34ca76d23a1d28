"""What all connections share, regardless of protocol: admission, processor limits, sockets."""
