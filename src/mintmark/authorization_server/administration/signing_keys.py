"""Signing keys of an environment: published before they sign, published until their last token is over.

Keys are kept sealed under the context ``signing_key:tenant/env/kid``. `rotate_due` is what the server's
scheduler calls; it may be called at any time, by every worker, and does only what is due.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Literal

from mintmark.authorization_server.administration import lookup
from mintmark.authorization_server.administration.act import (
    Act,
    AdministrationFault,
    audited,
    conflict,
    not_found,
)
from mintmark.authorization_server.administration.key_schedule import KeySchedule
from mintmark.authorization_server.ports import Transaction
from mintmark.jose.jwk import PrivateKey, generate
from mintmark.jose.keyring import Rotation, next_rotation
from mintmark.values.tenancy import Algorithm, Api, Environment, SigningKey

KeyState = Literal["published", "signing", "retired", "removed"]


@dataclass(frozen=True, slots=True)
class SigningKeyEntry:
    """A signing key and what it does now: waits (`published`), signs, is only published (`retired`), is gone."""

    key: SigningKey
    state: KeyState


def state_of(key: SigningKey, now: float) -> KeyState:
    """What the key does at `now`."""
    if key.removed_at is not None and now >= key.removed_at:
        return "removed"
    if key.retires_at is not None and now >= key.retires_at:
        return "retired"
    return "signing" if now >= key.signs_at else "published"


def listing(tx: Transaction, environment: str, now: float) -> list[SigningKeyEntry]:
    """The keys of an environment with their states at that time, newest first."""
    keys = tx.find(SigningKey, environment=lookup.environment(tx, environment).id)
    keys.sort(key=lambda key: (key.signs_at, key.kid), reverse=True)
    return [SigningKeyEntry(key, state_of(key, now)) for key in keys]


def ensure(
    tx: Transaction, act: Act, *, environment: str, algorithm: Algorithm, key: PrivateKey | None = None
) -> SigningKey | None:
    """Make the environment's first key of `algorithm`, signing at once; None when it has one already.

    `key`: a fresh key to use; without it one is generated here. Raises AdministrationFault when it does not
    fit.
    """
    if _in_use(tx, environment, algorithm, act.now):
        return None
    return _add(tx, act, environment, algorithm, key, act.now, "signing_key.create")


def rotate(
    tx: Transaction,
    act: Act,
    *,
    environment: str,
    algorithm: Algorithm,
    schedule: KeySchedule,
    key: PrivateKey | None = None,
) -> SigningKey:
    """Publish the next key now; it signs after `schedule.publish_ahead`, when the present one retires.

    Raises AdministrationFault (conflict) while a key is still waiting to sign, (not_found) without any key.
    """
    lookup.environment(tx, environment)
    present = _in_use(tx, environment, algorithm, act.now)
    if not present:
        raise not_found(
            f"{environment} has no {algorithm} key to rotate: enable an API that signs with {algorithm}."
        )
    if any(each.signs_at > act.now for each in present):
        raise conflict(
            f"The next {algorithm} key of {environment} is published already and signs soon: wait, or "
            "withdraw the present one if it has leaked."
        )
    times = _times(tx, environment, act.now, schedule.publish_ahead)
    _retire(tx, act, present, times)
    return _add(tx, act, environment, algorithm, key, times.signs_at, "signing_key.rotate")


def withdraw(
    tx: Transaction, act: Act, *, environment: str, kid: str, key: PrivateKey | None = None
) -> SigningKey:
    """Stop trusting a key now (it has leaked): its tokens are refused, and another key signs from now on.

    Answers the key that signs instead: one that was waiting, or a new one (`key`, or one generated here).
    """
    lookup.environment(tx, environment)
    leaked = lookup.record(tx, SigningKey, environment, kid)
    if leaked is None or state_of(leaked, act.now) == "removed":
        raise not_found(
            f"{environment} publishes no key '{kid}'; list the signing keys to see those it does."
        )
    retires_at = act.now if leaked.retires_at is None else min(leaked.retires_at, act.now)
    tx.put(replace(leaked, retires_at=retires_at, removed_at=act.now), now=act.now)
    audited(tx, act, "signing_key.withdraw", environment=environment, credential_id=kid)
    others = _in_use(tx, environment, leaked.algorithm, act.now)
    signing = [each for each in others if each.signs_at <= act.now]
    lasting = [each for each in others if each.retires_at is None]
    if lasting and signing:
        return signing[-1]
    if lasting:
        heir = replace(lasting[-1], signs_at=act.now)
        tx.put(heir, now=act.now)
        return heir
    signs_at = max((each.retires_at or act.now for each in signing), default=act.now)
    made = _add(tx, act, environment, leaked.algorithm, key, signs_at, "signing_key.create")
    return signing[-1] if signing else made


def keep_published(tx: Transaction, act: Act, *, environment: str, lifetime: int) -> None:
    """Keep keys that still sign long enough for tokens of this lifetime (an API's lifetime was raised)."""
    for key in tx.find(SigningKey, environment=environment):
        if key.retires_at is None or key.removed_at is None or key.retires_at <= act.now:
            continue
        needed = next_rotation(key.retires_at, publish_ahead=0, max_lifetime=lifetime).removed_at
        if needed > key.removed_at:
            tx.put(replace(key, removed_at=needed), now=act.now)


def rotate_due(tx: Transaction, act: Act, *, schedule: KeySchedule) -> list[SigningKey]:
    """Make missing keys, rotate those that have signed long enough, drop those that are removed. Answers new
    keys.

    Keys are generated inside the transaction (RSA takes a moment, once in `schedule.signs_for`).
    """
    made: list[SigningKey] = []
    for environment in tx.find(Environment):
        _drop_removed(tx, act, environment.id)
        for algorithm in _algorithms(tx, environment.id):
            keys = _in_use(tx, environment.id, algorithm, act.now)
            if not keys:
                made.append(_add(tx, act, environment.id, algorithm, None, act.now, "signing_key.create"))
            elif act.now >= keys[-1].signs_at + schedule.signs_for - schedule.publish_ahead:
                made.append(
                    rotate(tx, act, environment=environment.id, algorithm=algorithm, schedule=schedule)
                )
    return made


def _drop_removed(tx: Transaction, act: Act, environment: str) -> None:
    for key in tx.find(SigningKey, environment=environment):
        if state_of(key, act.now) == "removed":
            tx.remove(key, now=act.now)
            audited(tx, act, "signing_key.remove", environment=environment, credential_id=key.kid)


def _algorithms(tx: Transaction, environment: str) -> list[Algorithm]:
    """Those that the environment's APIs sign with, disabled ones included."""
    return sorted(
        {api.algorithm for api in tx.find(Api, environment=environment) if api.token_format == "jwt"}
    )


def _in_use(tx: Transaction, environment: str, algorithm: Algorithm, now: int) -> list[SigningKey]:
    """The keys that sign or will sign, and were not told to retire before they begin; newest last."""
    keys = [
        key
        for key in tx.find(SigningKey, environment=environment, algorithm=algorithm)
        if state_of(key, now) in ("published", "signing")
    ]
    return sorted(keys, key=lambda key: (key.signs_at, key.kid))


def _times(tx: Transaction, environment: str, now: int, publish_ahead: int) -> Rotation:
    longest = max((api.token_lifetime for api in tx.find(Api, environment=environment)), default=0)
    return next_rotation(now, publish_ahead=publish_ahead, max_lifetime=longest)


def _retire(tx: Transaction, act: Act, keys: list[SigningKey], times: Rotation) -> None:
    for key in keys:
        tx.put(times.retire(key), now=act.now)


def _add(
    tx: Transaction,
    act: Act,
    environment: str,
    algorithm: Algorithm,
    key: PrivateKey | None,
    signs_at: int,
    kind: str,
) -> SigningKey:
    private = generate(algorithm) if key is None else key
    if private.algorithm != algorithm:
        raise AdministrationFault(f"The prepared key is not an {algorithm} key.")
    record = SigningKey(
        environment=environment,
        kid=private.kid,
        algorithm=algorithm,
        public=json.dumps(private.public().jwk(), separators=(",", ":")),
        sealed=act.seal(private.to_der(), f"signing_key:{environment}/{private.kid}"),
        published_at=act.now,
        signs_at=signs_at,
    )
    tx.add(record, now=act.now)
    audited(tx, act, kind, environment=environment, credential_id=private.kid, detail=algorithm)
    return record
