"""The issuing role (RFC 6749 §1.1): from a token request to a token whose audit event is on disk."""
