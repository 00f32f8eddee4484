"""Signed tokens on `cryptography`: compact JWS only, one algorithm per key, one call that checks everything.

A header never chooses an algorithm or a key; nothing here reads a clock, and only key generation is random.
"""
