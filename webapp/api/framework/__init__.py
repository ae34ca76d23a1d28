"""What operations of the API are made of."""
