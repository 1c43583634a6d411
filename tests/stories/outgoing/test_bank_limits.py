"""What one file of the bank holds: the rest goes into the next, and nobody's money is stuck."""

from __future__ import annotations

from billfold import jobs
from billfold.banking.models import BankFile
from tests import privilege
from tests.world import World, eastern

MONDAY = eastern(2026, 11, 16, 17)


def totals() -> list[int]:
    return list(
        BankFile.objects.filter(direction="out")
        .order_by("modifier")
        .values_list("debit_minor", flat=True)
    )


def test_what_is_too_much_for_one_offset_goes_into_several_files(world: World):
    world.connection.balanced = True
    privilege.save(world.connection)
    for number in range(3):
        world.pay(world.invoice(f"CL-{number}", "40000000.00"))

    jobs.cut_off(MONDAY)

    assert totals() == [8_000_000_000, 4_000_000_000]


def test_a_payment_no_file_can_hold_keeps_none_of_the_others_back(world: World):
    large = world.pay(world.invoice("CL-1", "100000000.00"))
    world.pay(world.invoice("CL-2", "120.00"))

    jobs.cut_off(MONDAY)

    large.refresh_from_db()
    assert large.state == "failed"
    assert totals() == [12_000]


def test_a_bank_that_caps_the_money_of_a_file_gets_several(world: World):
    world.connection.max_file_minor = 20_000
    privilege.save(world.connection)
    payments = [world.pay(world.invoice(f"CL-{number}", "120.00")) for number in range(3)]

    world.go_to(eastern(2026, 11, 18))

    assert totals() == [12_000, 12_000, 12_000]
    assert {world.state(payment) for payment in payments} == {"settled"}
