"""The worker's operations on one leased desktop: build, assign, pause, resume, tear down."""
