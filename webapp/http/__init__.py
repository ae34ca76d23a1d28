"""What pages and API share of a request: the services, who asks, who may, headers, the log."""
