"""How a vendor speaks, as data: one record says where things stand in a token request and its answer.

Four functions read it. The server uses `read_request` and `write_response` (or `write_error`), the client
`write_request` and `read_response`. Nothing here does I/O but reading the package's own data.
"""

from mintmark.dialect.catalogue import Catalogue, catalogue
from mintmark.dialect.explain import explain
from mintmark.dialect.keyfile import read_keyfile, write_keyfile
from mintmark.dialect.loader import load_dialect, load_table
from mintmark.dialect.model import Dialect, DialectFault, ResponseFault
from mintmark.dialect.presentation import Presentation, present
from mintmark.dialect.proof import check_dialect, prove
from mintmark.dialect.refusal import write_error
from mintmark.dialect.request import read_request
from mintmark.dialect.response import PreparedResponse, prepare_response, read_response, write_response
from mintmark.dialect.writing import write_request

__all__ = [
    "Catalogue",
    "Dialect",
    "DialectFault",
    "PreparedResponse",
    "Presentation",
    "ResponseFault",
    "catalogue",
    "check_dialect",
    "explain",
    "load_dialect",
    "load_table",
    "prepare_response",
    "present",
    "prove",
    "read_keyfile",
    "read_request",
    "read_response",
    "write_error",
    "write_keyfile",
    "write_request",
    "write_response",
]
