"""Set-up: what brings a machine from nothing to a running Winux. Standard library only.

`python3 -m setup.demo` and `python3 -m setup.prepare` run before the virtual environment exists,
so nothing in this package may import a package that is not part of Python. Of the portal only
`webapp.env_file` is imported, which keeps to the same rule.
"""
