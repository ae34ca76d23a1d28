"""The building blocks of the API's operations."""
