"""Carries requests over real networks, and hooks tokens into the HTTP libraries that programs already use."""
