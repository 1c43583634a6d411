"""Slips on the command line are refused in one line, and nothing is made or changed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from billfold.platform.postgres.logins import SETTINGS
from tests.environment import SERVER
from tests.places import PROJECT
from tests.stories.installing.test_command_line import assert_misused, run_in_one_process
from tests.waiting import HUNG_AFTER_SECONDS


def assert_refused(outcome: subprocess.CompletedProcess[str], *words: str) -> None:
    assert outcome.returncode == 1
    assert len(outcome.stderr.splitlines()) == 1
    for word in words:
        assert word in outcome.stderr


def billfold(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    ours = {*SETTINGS.values(), "BILLFOLD_STATE", "BILLFOLD_MODE"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        [sys.executable, "-m", "billfold", *arguments],
        env=kept | {"PYTHONPATH": str(PROJECT)} | changes,
        capture_output=True,
        text=True,
        timeout=HUNG_AFTER_SECONDS,
        check=False,
    )


def test_a_slip_in_the_state_directory_makes_no_new_installation(tmp_path: Path) -> None:
    slip = tmp_path / "slip"

    assert_refused(billfold("--state", str(slip), "verify"), "no installation", str(slip))
    assert not slip.exists()


@pytest.mark.parametrize(
    "value", ["", "0", "-1", "1.5", "many", "1000001", "9" * 5_000, "\N{ARABIC-INDIC DIGIT FIVE}"]
)
def test_a_setting_that_is_no_whole_number_is_refused_in_one_line(value: str) -> None:
    outcome = billfold("verify", BILLFOLD_UPLOAD_FILES_A_DAY=value, **SERVER.addresses())

    assert_refused(outcome, "BILLFOLD_UPLOAD_FILES_A_DAY", "a whole number from 1 to 1000000")


def test_an_address_nobody_can_listen_at_is_refused_in_one_line(tmp_path: Path) -> None:
    addresses = ("127.0.0.1:99999", ":", "foo", "", "80x", "127.0.0.1:0")

    outcomes = run_in_one_process([["serve", "--bind", each] for each in addresses], state=tmp_path)

    assert len(outcomes) == len(addresses)
    for outcome in outcomes:
        assert_misused(outcome, "HOST:PORT")


def test_serving_at_a_port_in_use_is_refused_in_one_line(django_db_setup: object) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        outcome = billfold("serve", "--bind", address, **SERVER.addresses())

    assert_refused(outcome, address, "--bind")
