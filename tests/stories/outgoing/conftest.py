"""What stories about one file for the bank share: the file of Monday's cut-off, and where it is."""

from __future__ import annotations

import pytest

from billfold import jobs
from billfold.banking import file_approvals
from billfold.banking.models import BankFile
from tests.world import World, eastern

CUTOFF = eastern(2026, 11, 16, 17)


@pytest.fixture
def file(world: World) -> BankFile:
    """Give the file of Monday's cut-off, which waits for its release."""
    world.pay(world.invoice("CL-1", "120.00"))
    world.now = CUTOFF
    jobs.cut_off(CUTOFF)
    return BankFile.objects.get(direction="out")


def released(world: World, file: BankFile) -> BankFile:
    for person in world.treasurers:
        file_approvals.approve(file.pk, file.sha256, actor=person.actor(), now=CUTOFF)
    return file


def state(file: BankFile) -> str:
    return BankFile.objects.get(pk=file.pk).state


def at_the_bank(world: World) -> list[str]:
    folders = (world.folder / "to_bank", world.folder / "taken")
    return [path.name for folder in folders for path in sorted(folder.glob("*.ach"))]
