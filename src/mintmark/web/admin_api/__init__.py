"""The admin API: every operation of administration over HTTP, itself a protected API (OpenAPI 3.1)."""
