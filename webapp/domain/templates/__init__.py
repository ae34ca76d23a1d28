"""When a template may be launched."""
