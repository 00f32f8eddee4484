"""Measurements of the real server on one machine: `python -m benchmarks` (docs/performance.md explains the figures).

Nothing here is part of the product; what differs from it (a ledger that keeps nothing) is composed here alone.
"""
