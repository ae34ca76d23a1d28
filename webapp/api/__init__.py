"""`/api/v1`: JSON for programs, on the same services as the pages.

One folder per resource. `webapp/api/framework/operation.py` declares routes, and `document.py`
documents them as OpenAPI. The gateway serves `/api/v1/sessions/{id}/events`.
"""
