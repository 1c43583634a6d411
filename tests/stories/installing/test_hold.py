"""HOLD and the live mark: a copy of a live installation lets nothing out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection, transaction

from billfold import jobs
from billfold.banking.models import BankFile
from billfold.platform import biller_directory, live_mark, tenancy
from billfold.platform.audit import Actor
from billfold.platform.ids import new_id
from billfold.platform.live_mark import MarkStatus
from billfold.platform.models import AuditEntry
from tests import privilege
from tests.world import World, eastern

OPERATOR = Actor(id="command/test", name="test")


@pytest.fixture
def live(outside_transaction: tenancy.Biller, settings: object, tmp_path: Path) -> Iterator[object]:
    """Be a live installation inside a transaction that is rolled back."""
    settings.IS_LIVE, settings.STATE_DIR = True, tmp_path
    with tenancy.no_biller(), transaction.atomic(), connection.cursor() as cursor:
        privilege.take_every_right()
        cursor.execute("DELETE FROM public.instance")
        live_mark.make_instance(cursor, "live")
        live_mark.write(cursor)
        yield cursor
        transaction.set_rollback(True)


def states() -> set[str]:
    return {biller.state for biller in tenancy.billers()}


def test_promise_28_a_marked_installation_is_open(live):
    assert live_mark.status(live) is MarkStatus.MATCHES
    assert states() == {"open"}


def test_promise_28_a_database_without_a_mark_is_on_hold(live, tmp_path):
    (tmp_path / live_mark.FILE).unlink()

    assert live_mark.status(live) is MarkStatus.NO_MARK
    assert states() == {"hold"}


def test_promise_28_a_restored_database_does_not_match_the_old_mark(live):
    live.execute("UPDATE public.instance SET identity = %s", [new_id()])

    assert live_mark.status(live) is MarkStatus.OTHER_DATABASE
    assert states() == {"hold"}


def test_promise_28_a_copied_state_directory_is_on_hold(live, settings, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / live_mark.FILE).write_text((tmp_path / live_mark.FILE).read_text())
    settings.STATE_DIR = copy

    assert live_mark.status(live) is MarkStatus.OTHER_PLACE
    assert states() == {"hold"}


def test_promise_28_another_machine_is_another_place(live, monkeypatch):
    monkeypatch.setenv("BILLFOLD_MACHINE", "another")

    assert live_mark.status(live) is MarkStatus.OTHER_PLACE


def test_promise_28_a_demos_database_is_no_live_one(live):
    live.execute("UPDATE public.instance SET mode = 'demo'")

    assert live_mark.status(live) is MarkStatus.NOT_LIVE
    assert states() == {"hold"}


def test_promise_28_the_web_serves_a_copy_on_hold(live, tmp_path):
    tenancy._hosts.pop("harborpoint.test", None)
    (tmp_path / live_mark.FILE).unlink()

    served = tenancy.by_host("harborpoint.test")

    tenancy._hosts.pop("harborpoint.test", None)
    assert served is not None
    assert served.state == "hold"


def test_promise_28_on_hold_nothing_leaves_and_afterwards_everything_does(world: World) -> None:
    payment = world.pay(world.invoice("CL-1", "120.00"))
    after = eastern(2026, 11, 16, 18)
    mail.outbox.clear()

    jobs.run_once(replace(world.biller, state="hold"), now=after)

    assert world.state(payment) == "scheduled"
    assert not BankFile.objects.exists()
    assert mail.outbox == []

    jobs.run_once(world.biller, now=after)

    assert world.state(payment) == "in_transit"
    assert len(mail.outbox) > 0


def test_setting_and_lifting_hold_is_on_record(outside_transaction: tenancy.Biller) -> None:
    biller = tenancy.biller("harborpoint")
    now = eastern(2026, 11, 16)

    biller_directory.hold([biller], why="trouble", actor=OPERATOR, now=now)
    held = tenancy.biller("harborpoint").state
    biller_directory.lift_hold([biller], why="over", actor=OPERATOR, now=now)

    assert held == "hold"
    assert tenancy.biller("harborpoint").state == "open"
    with tenancy.use(biller):
        entries = AuditEntry.objects.filter(subject="biller/harborpoint").order_by("id")
        trail = [(entry.action, entry.after["why"], entry.actor_id) for entry in entries]
    assert trail[-2:] == [
        ("hold set", "trouble", "command/test"),
        ("hold lifted", "over", "command/test"),
    ]
