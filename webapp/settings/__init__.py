"""What settings there are and how their values are read; `webapp.config` puts them together."""
