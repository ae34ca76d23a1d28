"""RDP: what is read and changed on its way, and the relay around it."""
