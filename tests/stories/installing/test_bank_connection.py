"""A biller collects through one bank account, and says so when asked for a second."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from billfold.banking import connections
from billfold.banking.models import BankConnection
from billfold.cli.profile import tables
from billfold.cli.profile.files import ProfileChanges
from billfold.cli.refusal import CommandRefused
from billfold.platform import tenancy
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
}


def test_promise_19_no_second_bank_can_take_what_was_promised_to_the_first(
    desk: tenancy.Biller, tmp_path: Path
) -> None:
    changes = ProfileChanges(banks=[SECOND | {"account_number": "000773149999"}])
    with tenancy.use(desk):
        world = World(biller=desk, folder=tmp_path / "bank", now=MONDAY)

        with pytest.raises(CommandRefused, match="would be a second bank connection"):
            tables.apply(desk, changes, actor=world.actor(), now=MONDAY)

        with pytest.raises(connections.OneBankOnly):
            connections.add("000773149999", **SECOND)
        assert BankConnection.objects.get() == world.connection
