"""What the worker does for the site: reconciling, the doctor, cleaning up, signs of life."""
