"""The settings and how their values are read; `webapp.config` combines them."""
