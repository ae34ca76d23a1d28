"""What the worker does to one desktop under a lease: build, assign, pause, resume, tear down."""
