"""Machine-to-machine API authentication: issue access tokens, check them, obtain them.

Importing the package loads nothing else; each role is imported by its own name.
"""

__version__ = "0.1.0"
