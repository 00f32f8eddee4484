"""The console: pages rendered on the server, on which people run the operations of administration."""
