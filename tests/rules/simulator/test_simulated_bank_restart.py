"""The simulated bank, killed and started again."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

from billfold.simulator.bank.simulated_bank import SimulatedBank
from tests.rules.simulator.bank_customer import (
    MONDAY,
    TERMS,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    Debit,
    at,
    drop,
    nacha,
)


class Killed(BaseException):
    """The process ended here."""


def walk(folder: Path) -> dict[str, bytes]:
    return {
        f"{path.parent.name}/{path.name}": path.read_bytes()
        for place in ("to_bank", "from_bank", "taken")
        for path in (folder / place).iterdir()
    }


STORY = [at(MONDAY, 16), at(TUESDAY, 9), at(WEDNESDAY, 7), at(THURSDAY, 9)]


def live(folder: Path) -> None:
    """Let a fresh bank object act at each moment, as a worker would after a restart."""
    for moment in STORY:
        SimulatedBank(folder, TERMS).act(moment)


def with_upload(folder: Path) -> Path:
    debits = [Debit("600000101"), Debit("600000172"), Debit("600000110"), Debit("600000111")]
    drop(SimulatedBank(folder, TERMS), "a.ach", nacha(debits))
    return folder


def test_a_bank_killed_anywhere_ends_with_the_same_files(tmp_path, monkeypatch):
    live(with_upload(tmp_path / "whole"))
    expected = walk(tmp_path / "whole")

    steps = 0
    for after in (False, True):
        for kill_at in range(1, 40):
            folder = with_upload(tmp_path / f"{after}-{kill_at}")
            if not _live_and_die(folder, kill_at, after, monkeypatch):
                break
            steps += 1
            live(folder)
            assert walk(folder) == expected

    assert steps > 15


def _live_and_die(folder, kill_at, after, monkeypatch) -> bool:
    """Kill at the n-th rename, or hash or text inside a transaction; False if it lived."""
    count = 0

    def dying(real):
        def step(*args, **named):
            nonlocal count
            count += 1
            if count == kill_at and not after:
                raise Killed
            result = real(*args, **named)
            if count == kill_at:
                raise Killed
            return result

        return step

    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "sha256", dying(hashlib.sha256))
        patch.setattr(textwrap, "wrap", dying(textwrap.wrap))
        patch.setattr(Path, "replace", dying(Path.replace))
        try:
            live(folder)
        except Killed:
            return True
    return False


def test_acting_again_changes_nothing(tmp_path):
    live(with_upload(tmp_path))
    before = walk(tmp_path)

    assert SimulatedBank(tmp_path, TERMS).act(STORY[-1]) == []
    assert walk(tmp_path) == before


def test_a_bank_that_slept_for_days_delivers_what_it_would_have(tmp_path):
    live(with_upload(tmp_path / "awake"))
    asleep = SimulatedBank(with_upload(tmp_path / "asleep"), TERMS)

    asleep.act(STORY[0])
    asleep.act(STORY[-1])

    assert walk(tmp_path / "asleep") == walk(tmp_path / "awake")
