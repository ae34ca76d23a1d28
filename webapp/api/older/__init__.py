"""`/api/winux`: the paths and fields of the older services, on the services of `/api/v1`.

Nothing is decided here. A feature that the older services did not have is added to `/api/v1` only.
"""
