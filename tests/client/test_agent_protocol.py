"""The agent's protocol: what is written is read back, and nothing else is read at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.client.agent_protocol import (
    LARGEST_ASK,
    Ask,
    Handed,
    ProtocolFault,
    UnknownProfile,
    frame,
    length_of,
    read_ask,
    read_reply,
    write_ask,
    write_fault,
    write_handed,
    write_heard,
)
from mintmark.client.errors import HeldBack, Misconfigured, NoSense, NoToken, Refused, Unreachable
from mintmark.values.secret import Secret

HANDED = Handed(
    Secret("the-token"),
    "Bearer",
    "ab12",
    1800000000.0,
    59.5,
    "a b",
    "r1",
    (("Authorization", "Bearer x"),),
    (),
    (),
)


def body(framed: bytes) -> bytes:
    assert length_of(framed[:4], len(framed)) == len(framed) - 4
    return framed[4:]


def message(**members: object) -> bytes:
    return json.dumps({"version": 1, **members}).encode()


def test_a_question_is_read_as_it_was_written() -> None:
    for ask in (Ask("shop", "0" * 64, "ab"), Ask("a.b-c_d"), Ask()):
        assert read_ask(body(write_ask(ask))) == ask


def test_a_token_is_read_as_it_was_written_and_prints_as_a_mask() -> None:
    read = read_reply(body(write_handed(HANDED)))
    assert read == HANDED
    assert "the-token" not in repr(read)


@pytest.mark.parametrize(
    "fault",
    [
        Refused(401, "invalid_client", "no", permanent=True, dialect="shop", request_id="r", retry_at=5.0),
        Unreachable("a"),
        NoSense("b", request_id="r"),
        Misconfigured("c"),
        HeldBack("d", retry_at=7.5),
        NoToken("e"),
    ],
)
def test_a_fault_is_raised_as_the_agent_met_it(fault: NoToken) -> None:
    with pytest.raises(type(fault)) as caught:
        read_reply(body(write_fault(fault)))
    assert str(caught.value) == str(fault)
    assert vars(caught.value) == vars(fault)


def test_an_unknown_profile_and_an_unknown_fault_are_told_apart() -> None:
    with pytest.raises(UnknownProfile):
        read_reply(body(write_fault(UnknownProfile())))
    with pytest.raises(ProtocolFault):
        read_reply(body(write_fault(ValueError("secret text"))))
    assert b"secret text" not in write_fault(ValueError("secret text"))


def test_that_it_heard_is_no_answer_yet() -> None:
    assert read_reply(body(write_heard())) is None


@pytest.mark.parametrize("head", [b"", b"\0\0\0", b"\0\0\0\0", b"\xff\xff\xff\xff", (101).to_bytes(4, "big")])
def test_a_length_is_bounded(head: bytes) -> None:
    with pytest.raises(ProtocolFault):
        length_of(head, 100)


def test_a_message_is_bounded_when_it_is_written() -> None:
    with pytest.raises(ProtocolFault):
        frame({"x": "y" * LARGEST_ASK}, LARGEST_ASK)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 4000,
        b'{"version": 2, "ask": "status"}',
        message(ask="dump"),
        message(ask="token"),
        message(ask="token", profile="../x"),
        message(ask="token", profile=["a"]),
        message(ask="token", profile="a", fingerprint="not hex"),
        message(ask="token", profile="a", refused="x" * 65),
        message(ask="token", profile="a" * 65),
        message(ask="token", profile="a\n"),
    ],
)
def test_no_other_question_is_read(data: bytes) -> None:
    with pytest.raises(ProtocolFault):
        read_ask(data)


@pytest.mark.parametrize(
    "reply",
    [
        {"token": {}},
        {"token": {"secret": 1}},
        {"token": {"secret": "a", "expires_at": "x", "headers": [], "query": [], "cookies": []}},
        {"token": {"secret": "a", "expires_at": True, "headers": [], "query": [], "cookies": []}},
        {"token": {"secret": "a", "headers": [["a"]], "query": [], "cookies": []}},
        {"token": {"secret": "a", "headers": {}, "query": [], "cookies": []}},
        {"nothing": 1},
        {"fault": {"kind": "KeyboardInterrupt"}},
        {"fault": {"kind": "Refused", "status": "x"}},
    ],
)
def test_no_other_answer_is_read(reply: dict[str, object]) -> None:
    with pytest.raises(ProtocolFault):
        read_reply(message(**reply))


@given(st.binary(max_size=300))
def test_noise_is_a_protocol_fault(data: bytes) -> None:
    for reader in (read_ask, read_reply):
        try:
            reader(data)
        except ProtocolFault:
            continue
