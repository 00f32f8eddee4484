"""What exists: errors, secrets, permissions and the objects of the house, as frozen values.

Standard library only; nothing here reads a clock, makes randomness or touches a file or socket.
"""
