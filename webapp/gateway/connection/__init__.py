"""What every connection has, whatever its protocol: places, allowances, sockets."""
