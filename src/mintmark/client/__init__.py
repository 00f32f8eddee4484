"""The obtaining role: a valid token for a vendor's API, asked for once.

Clock, randomness, network and secrets are handed in."""
