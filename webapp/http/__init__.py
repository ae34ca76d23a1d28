"""What pages and API share for each request: services, person, access rules, headers, log."""
