"""The use cases. Each checks permissions and runs in one transaction with its audit entry."""
