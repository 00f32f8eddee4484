"""`mintmark audit`: a trail that is whole, one that is not, and one that is trimmed."""

from __future__ import annotations

import json
import sqlite3
import stat

from tests.cli.conftest import Terminal


def harm(terminal: Terminal, statement: str) -> None:
    database = sqlite3.connect(terminal.folder / "mintmark.db")
    database.execute(statement)
    database.commit()
    database.close()


def test_a_whole_trail_is_said_to_be_whole(acme: Terminal) -> None:
    ran = acme("audit", "verify", "--json")
    said = json.loads(ran.out)
    assert (ran.code, said["faults"], said["begins"]) == (0, 0, 1)
    assert said["events"] == len(acme.admin("audit", "export").out.splitlines())


def test_a_changed_event_ends_with_one_sentence_and_code_1(acme: Terminal) -> None:
    harm(acme, "UPDATE audit_event SET actor = 'nobody' WHERE id = 2")
    ran = acme("audit", "verify")
    assert (ran.code, ran.out) == (1, "")
    assert "not whole" in ran.err
    assert "were changed" in ran.err


def test_when_it_was_checked_and_with_what_result_is_kept(acme: Terminal) -> None:
    def kept() -> dict[str, tuple[float, int, str]]:
        database = sqlite3.connect(acme.folder / "mintmark.db")
        rows = database.execute("SELECT outcome, at, up_to, said FROM audit_check").fetchall()
        database.close()
        return {row[0]: row[1:] for row in rows}

    assert kept() == {}
    events = acme("audit", "verify", "--json").json["events"]
    assert kept() == {"whole": (acme.now, events, "")}
    harm(acme, "UPDATE audit_event SET actor = 'nobody' WHERE id = 2")
    acme.now += 60
    assert acme("audit", "verify").code == 1
    assert kept()["whole"] == (acme.now - 60, events, "")
    at, _, said = kept()["broken"]
    assert (at, "were changed" in said) == (acme.now, True)


def test_a_check_that_cannot_be_noted_still_says_what_it_found(acme: Terminal) -> None:
    harm(acme, "DROP TABLE audit_check")
    ran = acme("audit", "verify", "--json")
    assert (ran.code, ran.json["faults"]) == (0, 0)
    assert "could not be noted" in ran.err


def test_heads_of_an_earlier_check_are_kept_for_the_owner_and_held_against(acme: Terminal) -> None:
    assert acme("audit", "verify", "--heads", "heads.json").code == 0
    heads = acme.folder / "heads.json"
    assert stat.S_IMODE(heads.stat().st_mode) == 0o600
    before = heads.read_text()
    harm(acme, "DELETE FROM audit_event WHERE id >= (SELECT max(first_id) FROM audit_link)")
    harm(acme, "DELETE FROM audit_link WHERE seq = (SELECT max(seq) FROM audit_link)")
    assert acme("audit", "verify").code == 0
    ran = acme("audit", "verify", "--heads", "heads.json")
    assert ran.code == 1
    assert "ends before it now" in ran.err
    assert heads.read_text() == before


def test_a_file_of_heads_that_is_none_is_bad_input(acme: Terminal) -> None:
    (acme.folder / "heads.json").write_text("[1]")
    ran = acme("audit", "verify", "--heads", "heads.json")
    assert ran.code == 2
    assert "--heads heads.json" in ran.err


def test_trimming_asks_first_and_keeps_what_is_young(acme: Terminal) -> None:
    assert acme("audit", "trim", "--keep-days", "1", "--yes").code == 2
    assert json.loads(acme("audit", "trim", "--keep-days", "2", "--yes", "--json").out) == {"removed": 0}
    newest = json.loads(acme.admin("audit", "tail", "-n", "1", "--json").out)
    assert newest[0]["kind"] == "admin.audit.trim"
    assert acme("audit", "verify").code == 0
