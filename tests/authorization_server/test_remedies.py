"""Every reason that the code can write into the audit trail has a remedy, found by reading the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import mintmark
from mintmark.authorization_server.remedies import REMEDIES, UNKNOWN, remedy

SOURCE = Path(mintmark.__file__).parent
ROLES = ("values/errors.py", "wire", "dialect", "jose", "authorization_server", "resource_server", "web")
#: What another's server says to a client, and an example's own: no audit trail holds them.
ELSEWHERE = {"vendor_refused", "vendor_status", "example"}
WORD = re.compile(r"[a-z]+(_[a-z]+)*")
#: Parts of names that the code puts together.
ASSEMBLED = {"secret_": ("secret_expired", "secret_revoked")}


@cache
def modules() -> list[ast.Module]:
    found = []
    for place in ROLES:
        path = SOURCE / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            found.append(ast.parse(file.read_text(encoding="utf-8")))
    return found


def texts(node: ast.AST) -> Iterator[str]:
    """The words that an expression can be; text within a comparison or a call is none of them."""
    match node:
        case ast.Constant(value=str(text)):
            yield from ASSEMBLED.get(text, (text,))
        case ast.IfExp(body=body, orelse=other):
            yield from texts(body)
            yield from texts(other)
        case ast.BoolOp(values=values) | ast.JoinedStr(values=values) | ast.Tuple(elts=values):
            for value in values:
                yield from texts(value)


def takes_reason() -> dict[str, int]:
    """Functions and classes with a parameter `reason`: name -> its position in a call."""
    found = {}
    for module in modules():
        for node in ast.walk(module):
            match node:
                case ast.FunctionDef(name=name, args=arguments):
                    names = [argument.arg for argument in arguments.args]
                case ast.ClassDef(name=name, body=body):
                    makers = [
                        each for each in body if isinstance(each, ast.FunctionDef) and each.name == "__init__"
                    ]
                    names = [argument.arg for maker in makers for argument in maker.args.args[1:]]
                case _:
                    continue
            if "reason" in names and name != "__init__":
                found[name] = names.index("reason")
    return found


@cache
def reasons() -> set[str]:
    found: set[str] = set()
    positions = takes_reason()
    for module in modules():
        for node in ast.walk(module):
            match node:
                case ast.keyword(arg="reason", value=value):
                    found.update(texts(value))
                case ast.Assign(targets=[ast.Name(id="reason")], value=value):
                    found.update(texts(value))
                case ast.Call(func=ast.Name(id=name), args=arguments) if len(arguments) > positions.get(
                    name, 99
                ):
                    found.update(texts(arguments[positions[name]]))
                case ast.FunctionDef(args=arguments):
                    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
                        if argument.arg == "reason" and default is not None:
                            found.update(texts(default))
    whys = ast.parse((SOURCE / "authorization_server/client_authentication.py").read_text(encoding="utf-8"))
    for node in ast.walk(whys):
        if isinstance(node, ast.Return) and node.value is not None:
            found.update(texts(node.value))
    return {text for text in found if WORD.fullmatch(text)}


def test_the_reading_finds_reasons_of_every_shape() -> None:
    assert {
        "malformed_request",
        "wrong_secret",
        "secret_expired",
        "tenant_daily_limit",
        "scope_unknown",
        "unknown_user",
        "wrong_issuer",
        "bad_signature",
        "misplaced_parameter",
    } <= reasons()


def test_every_reason_has_a_remedy() -> None:
    assert sorted(reasons() - REMEDIES.keys() - ELSEWHERE) == []


def test_a_remedy_is_a_sentence() -> None:
    for reason, sentence in REMEDIES.items():
        assert WORD.fullmatch(reason)
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_an_unknown_reason_is_answered_with_where_to_look() -> None:
    assert remedy("wrong_secret") == REMEDIES["wrong_secret"]
    assert remedy("something_new") == UNKNOWN
