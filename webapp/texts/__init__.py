"""The sentences of refusals, by code, marked for gettext: a file per capability.

Pages show them in the person's language; API, command line and exports in English.
"""
