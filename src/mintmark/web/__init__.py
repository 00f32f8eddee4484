"""The HTTP face: an ASGI application that finds the route, caps the body and hands values to the roles.

It imports the roles and knows nothing of storage; what it needs from outside is handed in by `compose`.
"""
