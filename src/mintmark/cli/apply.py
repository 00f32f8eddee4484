"""`mintmark apply`: make an installation what a file says, for people who keep it in version control."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mintmark.authorization_server.administration import AdministrationFault
from mintmark.cli import output
from mintmark.cli.admin.options import Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.services import Failure, UsageFault
from mintmark.values.secret import Secret

if TYPE_CHECKING:
    from mintmark.authorization_server.administration.declared import Plan, Step

LARGEST = 4 * 1024 * 1024


def apply(
    call: Call,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML: what there shall be.")],
    plan_only: Annotated[
        bool, typer.Option("--plan", help="Show what would be done, and do nothing.")
    ] = False,
    yes: Yes = False,
) -> Answer:
    """Make tenants, environments, APIs, clients, machine users and people what a file says; secrets are shown once."""
    # Imported here: it brings every operation, which other commands need not wait for.
    from mintmark.authorization_server.administration.declared import plan

    document = _read(file)
    try:
        wanted = plan(document, lambda operation, given: call.run(operation, given))
    except AdministrationFault as fault:
        raise UsageFault(f"{file}: {fault}") if fault.kind == "invalid" else fault from None
    if plan_only or not wanted.steps:
        return _told(wanted)
    if not call.as_json:
        output.answer(_told(wanted), as_json=False)
    output.confirm(f"{len(wanted.steps)} steps.", yes=yes)
    return _done(call, wanted)


def _read(file: Path) -> Mapping[str, object]:
    try:
        if file.stat().st_size > LARGEST:
            raise UsageFault(f"{file}: larger than {LARGEST} bytes.")
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as fault:
        raise UsageFault(f"{file}: cannot be read ({fault.strerror or type(fault).__name__}).") from None
    except UnicodeDecodeError:
        raise UsageFault(f"{file}: it is not UTF-8.") from None
    except tomllib.TOMLDecodeError as fault:
        raise UsageFault(f"{file}: it is not TOML: {fault}.") from None


def _told(wanted: Plan) -> Table:
    rows = [
        {"sign": step.sign, "what": step.what, "changes": [_difference(*each) for each in step.differences]}
        for step in wanted.steps
    ]
    return Table(
        ("sign", "what", "changes"), rows, f"Nothing to do: {wanted.unchanged} as the file has them."
    )


def _difference(name: str, before: Any, after: Any) -> str:
    return f"{name}: {_shown(before)} -> {_shown(after)}"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_shown(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None or value == "" else str(value)


def _done(call: Call, wanted: Plan) -> Answer:
    """Run the steps in order. What was done before one fails stays done: mend the file and apply it again."""
    made: list[Mapping[str, Any]] = []
    for done, step in enumerate(wanted.steps):
        try:
            answer = call.run(step.operation, step.given)
        except AdministrationFault as fault:
            if made:
                output.answer(_secrets(made), as_json=call.as_json)
            rest = len(wanted.steps) - done
            raise Failure(
                f"{step.what}: {fault} {done} steps are done, {rest} are not: apply the file again."
            ) from None
        made += [_secret(step, answer)] if _holds_secret(answer) else []
    if made:
        return _secrets(made)
    return Fields({"applied": len(wanted.steps), "unchanged": wanted.unchanged})


def _holds_secret(answer: Any) -> bool:
    return isinstance(answer, Mapping) and any(isinstance(value, Secret) for value in answer.values())


def _secret(step: Step, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    (text,) = (value for value in answer.values() if isinstance(value, Secret))
    name = answer.get("client_id") or answer.get("username")
    return {"what": step.what, "id": name, "secret": text.reveal()}


def _secrets(made: list[Mapping[str, Any]]) -> Table:
    return Table(("what", "id", "secret"), made, notes=("Each secret is shown this once.",))
