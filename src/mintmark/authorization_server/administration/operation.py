"""What an operation of administration is: its name, typed input and output, what it is about, and the function that
does it.

An operation is registered by the decorator `operation`, which refuses one that `access.RULES` has no rule for. Every
face (HTTP API, command line, console) runs operations through `running.Administration` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Generic, Literal, TypeVar, get_type_hints

from mintmark.authorization_server.administration.access import RULES, Principal, Rule, admin_audience
from mintmark.authorization_server.administration.act import Act, forbidden
from mintmark.authorization_server.administration.key_schedule import KeySchedule
from mintmark.authorization_server.ports import Transaction
from mintmark.dialect import Catalogue
from mintmark.values.secret import Secret

Given = TypeVar("Given")
Made = TypeVar("Made")

#: Seconds since the epoch, UTC; people and programs write it as RFC 3339.
Instant = Annotated[int, "instant"]

#: Where the input says what an operation is about. `tenant`, `environment`, `client` (with its environment) and
#: `person` name one that is there; `somewhere` may name a tenant or environment, and `everything` names nothing:
#: both answer what the caller sees. `installation` is for operators alone.
About = Literal["installation", "everything", "somewhere", "tenant", "environment", "client", "person"]
NAMED_BY: dict[About, tuple[str, ...]] = {
    "tenant": ("tenant",),
    "environment": ("environment",),
    "client": ("environment", "client_id"),
    "person": ("username",),
}


@dataclass(frozen=True, slots=True)
class Hashed:
    """A secret or password that somebody chose, or that was generated for them, and its slow digest."""

    text: Secret = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation. `principal`: who acts, as it is stored now. `act`: when, and with which keys.

    `public_url`: without a slash at its end. `hashed`: what the operation's `hashed` made before the transaction.
    """

    principal: Principal
    act: Act
    dialects: Catalogue
    public_url: str
    schedule: KeySchedule
    hashed: Hashed | None = None

    @property
    def now(self) -> int:
        """Whole seconds since the epoch, UTC."""
        return self.act.now

    @property
    def admin_audience(self) -> str:
        """The audience of the admin API."""
        return admin_audience(self.public_url)

    @property
    def slow(self) -> Hashed:
        """What was hashed; only for operations that hash."""
        if self.hashed is None:
            raise TypeError("this operation hashes nothing")
        return self.hashed

    def operators_only(self, given: object, what: str) -> None:
        """Refuse (forbidden) an input that only operators may give: anything but None, False, or nothing."""
        if given and not self.principal.is_operator:
            raise forbidden(f"Only operators may set the {what}: leave it out, or ask them.")


Work = Callable[[Transaction, Call, Given], Made]


@dataclass(frozen=True, slots=True)
class Operation(Generic[Given, Made]):
    """`name`: ``noun.verb``. `sentence`: what it does, for people. `given`, `made`: the types of input and output.

    `once`: the output holds a secret that is shown this once. `hashed`: what has to be hashed slowly, before the
    transaction. `work` is run by `running.Administration`, after access was decided, in the same transaction.
    """

    name: str
    sentence: str
    given: type[Given]
    made: Any
    about: About
    rule: Rule
    writes: bool
    once: bool
    work: Work[Given, Made] = field(repr=False)
    hashed: Callable[[Act, Given], Hashed | None] | None = field(default=None, repr=False)

    @property
    def noun(self) -> str:
        """What it is about: ``client``."""
        return self.name.partition(".")[0]

    @property
    def verb(self) -> str:
        """What it does: ``create``."""
        return self.name.partition(".")[2]


#: Every operation by its name. Filled by importing `administration.operations`.
REGISTRY: dict[str, Operation[Any, Any]] = {}


def operation(
    name: str,
    about: About,
    *,
    writes: bool = False,
    once: bool = False,
    hashed: Callable[[Act, Any], Hashed | None] | None = None,
) -> Callable[[Work[Given, Made]], Operation[Given, Made]]:
    """Register a function ``(tx, call, given) -> made`` as an operation; its docstring says what it does.

    Raises LookupError when there is no rule for it, and TypeError when its input does not say what it is about.
    """

    def register(work: Work[Given, Made]) -> Operation[Given, Made]:
        rule = RULES.get(name)
        if rule is None:
            raise LookupError(f"there is no rule in access.RULES for the operation {name}")
        if name in REGISTRY:
            raise LookupError(f"there are two operations {name}")
        hints = get_type_hints(work, include_extras=True)
        given = hints["given"]
        missing = set(NAMED_BY.get(about, ())) - {each.name for each in fields(given)}
        if missing:
            raise TypeError(f"the input of {name} is about a {about} and has no {', '.join(sorted(missing))}")
        if about == "installation" and rule.roles:
            raise TypeError(f"{name} is for operators alone, and its rule names others")
        sentence = " ".join((work.__doc__ or "").split())
        made: Operation[Given, Made] = Operation(
            name, sentence, given, hints["return"], about, rule, writes, once, work, hashed
        )
        REGISTRY[name] = made
        return made

    return register
