"""`/api/v1`: JSON for programs, on the same services as the pages.

One folder per resource; `webapp/api/framework/operation.py` is what a route is made of, and
`document.py` tells all of them as OpenAPI. `/api/v1/sessions/{id}/events` is the gateway's.
"""
