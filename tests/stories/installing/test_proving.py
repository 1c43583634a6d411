"""The commands that look and change nothing, from outside."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from billfold import bankdays
from billfold.banking import connections
from billfold.banking.models import BankConnection
from billfold.cli import doctor_checks, main, mode
from billfold.cli.doctor_checks import Diagnosis, DiagnosisLevel
from billfold.payments.proof import report
from billfold.payments.proof.check import Inspection, ProofCheck, Violations
from billfold.platform import brake, clock, heartbeat, sealing, tenancy
from tests import privilege
from tests.conftest import MONDAY
from tests.world import eastern


def test_verify_writes_nothing(outside_transaction: tenancy.Biller) -> None:
    def write(look: Inspection) -> Violations:
        return look.offenders("INSERT INTO banking_routingnumber VALUES ('0', '') RETURNING '!'")

    def delete(look: Inspection) -> Violations:
        look.rows("DELETE FROM payments_payment RETURNING 1")
        return Violations(0)

    checks = [ProofCheck(1, "writes", write), ProofCheck(2, "deletes", delete)]
    proof = report.run(outside_transaction, now=MONDAY, checks=checks)

    assert proof.broken == [1, 2]
    assert "read-only transaction" in proof.promises[1].first[0]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)
    return lambda *words: main.main([*words])


def test_verify_exits_0_when_clean_and_1_when_not(
    desk: tenancy.Biller, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("verify", "--json", "--biller", desk.schema) == 0
    assert json.loads(capsys.readouterr().out)["is_clean"] is True
    with tenancy.as_owner(desk), connection.cursor() as cursor:
        cursor.execute(f"GRANT UPDATE ON ledger_transfer TO {desk.role}")
    assert command("verify", "--biller", desk.schema) == 1
    assert brakes(desk) == ["finding"]
    with tenancy.as_owner(desk), connection.cursor() as cursor:
        cursor.execute(f"REVOKE UPDATE ON ledger_transfer FROM {desk.role}")

    output = capsys.readouterr().out
    assert "promise 3, Nothing posted is edited: BROKEN" in output
    assert "the application may update rows of ledger_transfer" in output
    assert command("verify", "--biller", desk.schema) == 0
    assert "all kept" in capsys.readouterr().out
    assert brakes(desk) == []


def brakes(biller: tenancy.Biller) -> list[str]:
    with tenancy.use(biller):
        return [str(standing.kind) for standing in brake.standing()]


def test_verify_of_a_biller_that_is_not_there_is_refused(
    outside_transaction: tenancy.Biller, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("verify", "--biller", "nobody") == 1
    assert "No biller is called 'nobody'" in capsys.readouterr().err


def levels(findings: list[Diagnosis]) -> dict[str, str]:
    return {each.subject: each.level.value for each in findings}


def test_doctor_finds_what_stands_around_and_says_what_to_do(
    outside_transaction: tenancy.Biller, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    heartbeat.beat()
    code = command("doctor", "--json")
    answer = json.loads(capsys.readouterr().out)

    findings = {each["subject"]: each for each in answer["findings"]}
    assert code == (0 if answer["is_well"] else 1)
    assert {"configuration", "keys", "disk", "mail", "database", "clock", "worker"} <= set(findings)
    assert findings["keys"]["level"] == findings["worker"]["level"] == "ok"
    assert findings["biller cedarline"] == {
        "subject": "biller cedarline",
        "level": "ok",
        "words": "open: files and mail leave",
        "todo": "",
    }
    # The suite's server is fast because it may lose what it confirmed.
    assert (findings["database"]["level"], "may lose" in findings["database"]["words"]) == (
        "warn",
        True,
    )
    assert all(each["todo"] for each in answer["findings"] if each["level"] != "ok")
    assert command("doctor") == code
    assert "OK    keys: there, private and working" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("years", "level", "words"),
    [(2, "ok", "known through 2028"), (0, "warn", "in 45 days"), (-1, "fail", "ended with 2025")],
)
def test_promise_19_doctor_says_a_year_before_the_banking_calendar_ends(
    now: datetime, monkeypatch: pytest.MonkeyPatch, years: int, level: str, words: str
) -> None:
    monkeypatch.setattr(bankdays.ACH, "published_through", now.year + years)

    calendar = doctor_checks.check_calendar()

    assert (calendar.subject, calendar.level.value) == ("calendar", level)
    assert words in calendar.words
    assert (f"BILLFOLD_CALENDAR_THROUGH={now.year + years + 1}." in calendar.todo) == (
        level != "ok"
    )


def test_doctor_without_an_installation_or_a_database_says_so(
    command: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("BILLFOLD_STATE", str(tmp_path / "none"))

    assert command("doctor") == 1
    assert "FAIL  database: There is no installation in" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_doctor_sees_keys_that_are_missing_loose_or_broken(
    settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STATE_DIR = tmp_path
    monkeypatch.setattr(sealing, "_aead", sealing._aead.__wrapped__)

    assert levels([*doctor_checks.check_keys()]) == {"keys": "fail"}
    sealing.make_keys()
    assert levels([*doctor_checks.check_keys()]) == {"keys": "ok"}
    (tmp_path / "keys" / "lookup").chmod(0o640)
    assert "others may read" in next(doctor_checks.check_keys()).words
    (tmp_path / "keys" / "lookup").chmod(0o600)
    (tmp_path / "keys" / "sealing.json").write_text("{}")
    assert "they do not work" in next(doctor_checks.check_keys()).words


def test_doctor_sees_a_state_directory_of_another_mode_or_open_to_others(
    settings: Any, tmp_path: Any
) -> None:
    settings.STATE_DIR = tmp_path
    tmp_path.chmod(0o710)

    assert levels([*doctor_checks.check_configuration()]) == {"configuration": "ok"}
    tmp_path.chmod(0o755)
    assert "others may enter" in next(doctor_checks.check_configuration()).words
    (tmp_path / mode.FILE).write_text("live")
    assert "was made for live" in next(doctor_checks.check_configuration()).words


def test_doctor_sees_a_worker_that_never_came_or_went_silent(settings: Any, tmp_path: Any) -> None:
    settings.STATE_DIR = tmp_path

    assert levels([*doctor_checks.check_worker()]) == {"worker": "warn"}
    heartbeat.beat()
    assert levels([*doctor_checks.check_worker()]) == {"worker": "ok"}
    os.utime(tmp_path / "worker", (0, time.time() - 600))
    assert levels([*doctor_checks.check_worker()]) == {"worker": "fail"}


def test_doctor_sees_mail_that_is_not_taken(settings: Any) -> None:
    assert levels([*doctor_checks.check_mail()]) == {"mail": "ok"}
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    assert "127.0.0.1:1 does not take mail" in next(doctor_checks.check_mail()).words


def test_doctor_sees_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    for free, level in ((10**8, "fail"), (10**9, "warn")):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr(doctor_checks.shutil, "disk_usage", lambda _, usage=usage: usage)

        assert levels([*doctor_checks.check_disk()]) == {"disk": level}


def test_doctor_sees_a_bank_that_does_not_answer(cedarline: tenancy.Biller, tmp_path: Any) -> None:
    assert levels([*doctor_checks.check_banks(cedarline)]) == {"bank of cedarline": "warn"}
    folders = {name: str(tmp_path / name) for name in ("to_bank", "from_bank")}
    connections.add("12345678", name="Operating", transport={"kind": "folder", **folders})

    assert "does not answer" in next(doctor_checks.check_banks(cedarline)).words
    (tmp_path / "from_bank").mkdir()
    assert next(doctor_checks.check_banks(cedarline)).words == "answers, 0 files wait there for us"
    with privilege.every_right():
        BankConnection.objects.update(transport={"kind": "pigeon"})
    assert "does not answer: kind 'pigeon'" in next(doctor_checks.check_banks(cedarline)).words


def test_doctor_sees_migrations_that_were_not_run(outside_transaction: tenancy.Biller) -> None:
    assert doctor_checks.check_migrations(outside_transaction) is None
    with tenancy.as_owner(outside_transaction), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE app = 'ledger' AND name = '0001_initial' "
            "RETURNING app, name, applied"
        )
        row = cursor.fetchone()
        assert row is not None
    try:
        diagnosis = doctor_checks.check_migrations(outside_transaction)
    finally:
        with tenancy.as_owner(outside_transaction), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", row
            )

    assert diagnosis is not None
    assert (diagnosis.level, diagnosis.todo) == (DiagnosisLevel.FAIL, "Run `billfold migrate`.")


def test_doctor_sees_a_biller_on_hold(outside_transaction: tenancy.Biller) -> None:
    held = tenancy.Biller("cedarline", "Cedarline Communications", "hold")

    diagnosis = doctor_checks.check_hold(held)

    assert (diagnosis.level, diagnosis.words) == (DiagnosisLevel.WARN, "on HOLD: nothing leaves")


def test_doctor_sees_a_clock_that_was_moved(outside_transaction: tenancy.Biller) -> None:
    clock.move_to(MONDAY)

    (diagnosis,) = doctor_checks.check_clock()

    assert (diagnosis.level, "moved by" in diagnosis.words) == (DiagnosisLevel.OK, True)


def test_promise_21_doctor_measures_returns_against_the_limits(world) -> None:
    lost = world.pay(world.invoice("CL-1", "120.00"), account="4417006701")
    world.pay(world.invoice("CL-2", "40.00"))
    assert doctor_checks.check_return_rates(world.biller).level == "ok"

    world.go_to(eastern(2026, 11, 18))

    assert world.state(lost) == "returned"
    diagnosis = doctor_checks.check_return_rates(world.biller)
    assert diagnosis.level == "fail"
    assert "overall 1 of 2 (50.00 %, below 15)" in diagnosis.words
    assert "unauthorised 0 of 2 (0.00 %, below 0.5)" in diagnosis.words


def test_doctor_points_at_payments_later_than_promised(world) -> None:
    world.pay(world.invoice("CL-1", "120.00"))
    assert doctor_checks.check_lateness(world.biller).level == "ok"

    world.now = eastern(2026, 11, 19)
    clock.move_to(world.now)

    diagnosis = doctor_checks.check_lateness(world.biller)
    assert diagnosis.level == "warn"
    assert diagnosis.words.startswith("1 are later than promised")
