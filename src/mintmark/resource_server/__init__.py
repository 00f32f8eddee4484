"""The checking role: what stands in front of an API and says who calls it and what the caller may do."""
