"""`verify` finds nothing where all is well, and each planted violation by its number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import Error, connection, transaction

from billfold.payments import collection
from billfold.payments.proof import report
from billfold.payments.proof.check import Check, Found
from billfold.payments.proof.checks import CHECKS, NOT_CHECKABLE, TITLES
from billfold.platform import audit
from billfold.receivables import billing, imports
from tests.conftest import MONDAY
from tests.world import World, eastern, usd
from tests.stories.violations import VIOLATIONS

COVERED = [*range(1, 9), 10, *range(13, 19), 20, 22, 23, 25, 26, 27]
AFTER = eastern(2026, 12, 1)


@pytest.fixture(scope="module")
def lived(
    django_db_setup: object, django_db_blocker: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Let a small world live through two weeks: paid, returned, corrected, canceled, imported."""
    with django_db_blocker.unblock():
        outer = transaction.atomic()
        outer._from_testcase = True  # As in Django's own test case: durable blocks may stand inside.
        with outer:
            world = World(django_db_setup, tmp_path_factory.mktemp("world") / "bank", MONDAY)
            _live(world)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            yield world
            transaction.set_rollback(True)
        connection.close()


def _live(world: World) -> None:
    folder = world.folder.parent
    listed = folder / "invoices.csv"
    listed.write_text(
        "customer_number,invoice_number,invoice_date,due_date,amount\n"
        "40-118-2207,CL-8,2026-11-01,2026-12-01,75.00\n"
    )
    on = world.now.date()
    imports.load(
        imports.Asked("invoices", listed), actor=audit.job("import"), now=world.now, on=on
    )
    invoices = [world.invoice(f"CL-{n}", f"{n}20.00") for n in range(1, 8)]
    billing.revise([billing.Revision(invoices[6].id, usd("700.00"))], now=world.now, on=on)
    note = billing.NewCredit("CR-1", world.customer.id, on, usd("9.00"), "goodwill")
    billing.credit([note], now=world.now, on=on)
    world.pay(invoices[0], invoices[1])
    world.pay(invoices[2], account="77440001")  # returned for lack of money, with a fee
    world.pay(invoices[3], account="77440011")  # paid, with a notice of change
    world.pay(invoices[4], account="77440010")  # returned as not authorised
    collection.cancel(world.pay(invoices[5]), actor=world.actor(), now=world.now)
    world.go_to(eastern(2026, 11, 20))
    world.pay(invoices[5])
    world.go_to(eastern(2026, 11, 23, 18))
    world.pay(invoices[6])  # still waiting for its cut-off
    world.go_to(eastern(2026, 11, 23, 19))


@pytest.fixture
def as_superuser(lived: World) -> Iterator[World]:
    """Do and undo what only the owner of the tables may."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        yield lived
        transaction.set_rollback(True)


def examine(world: World) -> report.Report:
    return report.examine(world.biller, now=world.now)


def test_a_world_where_all_is_well_verifies_clean(as_superuser: World) -> None:
    found = examine(as_superuser)

    assert {kept.promise: kept.first for kept in found.promises if kept.offenders} == {}
    assert found.is_clean


@pytest.mark.parametrize(
    ("promise", "title"), VIOLATIONS, ids=[f"promise {n}: {title}" for n, title in VIOLATIONS]
)
def test_a_planted_violation_is_found(as_superuser: World, promise: int, title: str) -> None:
    with connection.cursor() as cursor:
        left = VIOLATIONS[promise, title](as_superuser, cursor)

    try:
        found = examine(as_superuser)
    finally:
        for path in left:
            path.unlink()

    assert promise in found.broken
    (fired,) = [
        each
        for kept in found.promises
        for each in kept.checked
        if (kept.promise, each.title) == (promise, title)
    ]
    assert fired.found.count
    assert fired.found.first
    assert not any("could not be checked" in words for words in fired.found.first)


def test_every_check_has_its_violation() -> None:
    assert set(VIOLATIONS) == {(check.promise, check.title) for check in CHECKS}


def test_every_promise_is_checked_or_says_why_not() -> None:
    assert sorted({check.promise for check in CHECKS}) == COVERED
    assert sorted([*COVERED, *NOT_CHECKABLE]) == sorted(TITLES) == list(range(1, 31))
