"""A biller collects through several bank accounts; one of them takes what is promised next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billfold.banking import connections
from billfold.banking.models import BankConnection
from billfold.cli.profile import tables
from billfold.cli.profile.files import ProfileChanges
from billfold.cli.refusal import CommandRefused
from billfold.platform import tenancy
from billfold.platform.models import AuditEntry
from tests.conftest import MONDAY
from tests.world import PAYERS_BANK, World

SECOND = {
    "name": "Zeta",
    "bank_name": "Pacific Lantern Bank",
    "odfi_routing_number": PAYERS_BANK,
    "immediate_origin": "1910000002",
    "company_name": "CEDARLINE COMM",
    "company_id": "1910000002",
    "cutoff_eastern": time(15),
    "account_number": "000773149999",
}


@pytest.fixture
def setup(desk: tenancy.Biller, tmp_path: Path) -> Iterator[World]:
    with tenancy.use(desk):
        yield World(biller=desk, folder=tmp_path / "bank", now=MONDAY)


def set_up(world: World, **terms: Any) -> list[str]:
    changes = ProfileChanges(banks=[SECOND | terms])
    return tables.apply(world.biller, changes, actor=world.actor(), now=MONDAY)


def test_a_second_bank_is_set_up_and_the_first_stays_the_default(setup: World) -> None:
    assert set_up(setup) == ["bank connection Zeta"]

    assert connections.default() == setup.connection
    assert list(BankConnection.objects.filter(is_default=False).values_list("name")) == [("Zeta",)]


def test_another_bank_becomes_the_default_once_it_is_named(setup: World) -> None:
    set_up(setup)

    assert set_up(setup, is_default=True) == ["bank connection Zeta: is_default"]
    assert connections.default().name == "Zeta"
    entry = AuditEntry.objects.latest("at", "id")
    assert (entry.subject, entry.after) == ("bank connection Zeta", {"is_default": True})
    assert set_up(setup, is_default=True) == []


def test_the_default_is_given_on_and_never_just_dropped(setup: World) -> None:
    set_up(setup, is_default=True)

    with pytest.raises(CommandRefused, match="give another bank `default = true` instead"):
        set_up(setup, is_default=False)

    assert connections.default().name == "Zeta"


def test_the_database_holds_one_default(setup: World) -> None:
    set_up(setup)

    with (
        pytest.raises(IntegrityError, match="connection_one_is_default"),
        tenancy.as_owner(setup.biller),
        transaction.atomic(),
    ):
        BankConnection.objects.update(is_default=True)
