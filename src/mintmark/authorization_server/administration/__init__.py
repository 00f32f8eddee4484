"""Administration: plain functions over a transaction, one module per noun.

The command line, the admin API and the console call these and nothing else; each writes its audit event in
the transaction that makes the change.
"""

from mintmark.authorization_server.administration.act import Act, AdministrationFault

__all__ = ["Act", "AdministrationFault"]
