"""The command line: demo, serve, init, migrate, dialect, version and admin."""
