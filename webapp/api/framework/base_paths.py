"""The base paths of the two APIs, which share one framework."""

V1 = "/api/v1"
#: The paths and fields of the services that Winux replaces (`webapp/api/older/`).
OLDER = "/api/winux"
