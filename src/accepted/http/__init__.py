"""Jobs over HTTP: the routes of docs/http.md as plain ASGI endpoints, for any Starlette or FastAPI application.

Read `router.py` first (which path is which handler), then `submit.py` and `jobs_api.py` (the handlers). Nothing
here decides about jobs; it speaks for `Jobs`.
"""
