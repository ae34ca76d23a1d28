"""`/api/v1`: JSON for programs, on the same services as the pages.

One file per resource, its schemas beside it; `operation.py` is what a route is made of, and
`document.py` tells all of them as OpenAPI. `/api/v1/sessions/{id}/events` is the gateway's.
"""
