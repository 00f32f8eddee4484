"""Bytes to plain values and back: HTTP messages, forms, JSON objects, Basic and Bearer headers."""
