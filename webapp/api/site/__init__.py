"""Templates, room, pools, connections, numbers, cleaning up."""
