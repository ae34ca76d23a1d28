"""RDP: the parts of the stream that the gateway reads and changes, and the relay around them."""
