"""Set-up: everything from a bare machine to a running Winux. Standard library only.

`python3 -m setup.demo` and `python3 -m setup.prepare` run before the virtual environment exists,
so this package imports only the standard library. Of the portal it imports only
`webapp.env_file`, which follows the same rule.
"""
