"""A bank line is looked at when it is new, and again only when something it could match changed."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billfold import jobs
from billfold.banking.models import BankFile, BankLine, FileState, MatchChange, Statement
from billfold.money import Money
from billfold.payments.funnel import recording
from billfold.payments.models import Case, Instruction, Payment
from billfold.platform import tenancy
from billfold.rails.protocol import AnyEvent, Returned, Settled, TakenBack
from tests import privilege, races, waiting
from tests.stories.incoming.bank_words import leave, line, return_of, sent, statement
from tests.world import World, eastern

WEDNESDAY = eastern(2026, 11, 18, 12)
THURSDAY = eastern(2026, 11, 19, 6)
OPENING = 10_000_000


def versions() -> dict[tuple[str, int], str]:
    """Read where the server keeps each line; one that is looked at is written anew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT type_code, amount_minor, ctid::text FROM banking_bankline")
        return {(code, minor): place for code, minor, place in cursor.fetchall()}


def booked(world: World, *lines: tuple[int, int, str]) -> None:
    """Let the bank state these lines for Wednesday: type, amount and text of each."""
    day = WEDNESDAY.date()
    account_lines = [
        line(type_code, minor, text, on=day, reference=f"R{number}")
        for number, (type_code, minor, text) in enumerate(lines)
    ]
    content = statement(world, day, account_lines, opening_minor=OPENING)
    leave(world, "day.bai", content, now=THURSDAY)


def returned(world: World, payment: Payment) -> None:
    entry = Instruction.objects.get(payment=payment)
    content = return_of(world, entry, "R01", on=WEDNESDAY.date())
    leave(world, f"{entry.trace}.ach", content, now=THURSDAY)


def record(event: AnyEvent) -> None:
    with transaction.atomic():
        recording.record([event], now=WEDNESDAY)


def is_explained(amount_minor: int) -> bool:
    return BankLine.objects.get(amount_minor=amount_minor).explained_at is not None


def test_promise_7_what_cannot_be_explained_is_looked_at_once(world):
    sent(world, 16, "120.00")
    booked(world, (301, 5_000, "LOCKBOX"), (195, 7_000, "WIRE"), (142, 9_900, "ACH"))
    with waiting.stopped_if_endless():
        jobs.reconcile(THURSDAY)
    assert Case.objects.filter(kind="bank line to explain").count() == 3
    before = versions()

    with CaptureQueriesContext(connection) as queries:
        jobs.reconcile(THURSDAY)

    assert versions() == before
    assert not [query["sql"] for query in queries if "payments_" in query["sql"]]


def test_promise_7_the_cost_of_a_look_does_not_grow_with_the_lines(world):
    counts = []
    opening_minor = OPENING
    for day, number in ((16, 2), (17, 40)):
        noon = eastern(2026, 11, day, 12)
        lines = [
            line(code, 1_000 + n, f"X {9 * 10**14 + n}", on=noon.date(), reference=f"{day}{n}")
            for n in range(number)
            for code in (142, 557, 301)
        ]
        content = statement(world, noon.date(), lines, opening_minor=opening_minor)
        leave(world, f"{day}.bai", content, now=eastern(2026, 11, day + 1, 6))
        opening_minor = Statement.objects.latest("as_of").closing_minor
        with CaptureQueriesContext(connection) as queries:
            jobs.reconcile(THURSDAY)
        counts.append(len(queries))

    assert Case.objects.filter(kind="bank line to explain").count() == 3 * 42
    assert counts[0] == counts[1]


def test_promise_13_a_return_that_comes_late_explains_the_debit_of_its_amount(world):
    payment, _ = sent(world, 16, "120.00", "80.00")
    booked(world, (557, 12_000, "RETURN"), (557, 8_000, "RETURN"), (301, 12_000, "DEPOSIT"))
    jobs.reconcile(THURSDAY)
    before = versions()

    returned(world, payment)
    jobs.reconcile(THURSDAY)

    assert {line for line, place in versions().items() if place != before[line]} == {
        ("557", 12_000)
    }
    explained = BankLine.objects.exclude(explained_at=None)
    assert [line.amount_minor for line in explained] == [12_000]


def test_promise_13_a_return_that_comes_late_explains_a_credit_net_of_it(world):
    short, _ = sent(world, 16, "120.00", "80.00")
    booked(world, (142, 8_000, "ACH"))
    jobs.reconcile(THURSDAY)
    assert not is_explained(8_000)

    returned(world, short)
    jobs.reconcile(THURSDAY)

    assert is_explained(8_000)


def test_promise_13_a_file_that_is_sent_late_is_settled_by_the_credit_that_was_there(world):
    sent(world, 16, "120.00")
    file = BankFile.objects.get(direction="out")
    BankFile.objects.update(state=FileState.RELEASED)
    booked(world, (142, 12_000, "ACH"))
    jobs.reconcile(THURSDAY)
    assert not is_explained(12_000)

    BankFile.objects.filter(pk=file.pk).update(state=FileState.SENT)
    jobs.reconcile(THURSDAY)

    assert is_explained(12_000)
    assert not Case.objects.filter(kind="bank line to explain", closed_at=None).exists()


def test_promise_13_a_file_made_late_has_the_entry_that_a_debit_named(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    booked(world, (557, 12_000, f"RETURN {world.connection.odfi_routing_number[:8]}0000001"))
    jobs.reconcile(THURSDAY)
    assert not is_explained(12_000)

    jobs.cut_off(eastern(2026, 11, 16, 17))
    assert Instruction.objects.get(payment=payment).trace.endswith("0000001")
    jobs.reconcile(THURSDAY)

    assert is_explained(12_000)


def test_promise_7_of_two_files_with_one_total_the_other_is_settled_once_one_is(world):
    sent(world, 16, "120.00")
    sent(world, 17, "120.00")
    first = BankFile.objects.get(business_date=eastern(2026, 11, 16).date())
    booked(world, (142, 12_000, "ACH"), (165, 12_000, f"ACH {first.name.removesuffix('.ach')}"))

    jobs.reconcile(THURSDAY)

    assert not BankLine.objects.filter(explained_at=None).exists()
    assert not Case.objects.exists()


def test_where_the_bank_turns_to_net_credits_the_lines_that_wait_are_looked_at_again(world):
    short, _ = sent(world, 16, "120.00", "80.00")
    sent(world, 17, "50.00")
    returned(world, short)
    booked(world, (142, 8_000, "ACH"))
    jobs.reconcile(THURSDAY)
    assert not is_explained(8_000)

    world.connection.settlement = "net"
    privilege.save(world.connection)
    jobs.reconcile(THURSDAY)

    assert is_explained(8_000)


def test_a_payment_put_off_or_submitted_concerns_no_line_by_itself(world):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    jobs.cut_off(eastern(2026, 11, 16, 17))

    concerned = set(MatchChange.objects.values_list("file__direction", "amount_minor"))

    assert payment.instructions.get().file_id
    assert concerned == {("out", None)}


def late_return(payment: Payment) -> Returned:
    amount = Money(payment.amount_minor)
    return Returned(
        payment.reference, "r", WEDNESDAY.date(), code="R01", amount=amount, rdfi="12999901"
    )


def test_promise_7_a_change_that_commits_after_a_later_look_is_seen_at_the_next(desk, tmp_path):
    is_recorded, may_commit = threading.Event(), threading.Event()
    with tenancy.use(desk), races.runners(desk) as start:
        world = World(desk, tmp_path / "bank", WEDNESDAY)
        [payment] = sent(world, 16, "120.00")
        booked(world, (557, 12_000, "RETURN"))

        def record_slowly() -> None:
            with transaction.atomic():
                recording.record([late_return(payment)], now=WEDNESDAY)
                is_recorded.set()
                may_commit.wait(waiting.HUNG_AFTER_SECONDS)

        slow = start(record_slowly)
        waiting.wait_until(lambda: is_recorded.is_set() or slow.done(), "the return is recorded")
        jobs.reconcile(THURSDAY)
        assert not is_explained(12_000)
        may_commit.set()
        slow.result(waiting.HUNG_AFTER_SECONDS)
        jobs.reconcile(THURSDAY)

        assert is_explained(12_000)


def test_promise_7_a_change_is_not_lost_on_a_line_that_is_just_being_looked_at(desk, tmp_path):
    with tenancy.use(desk), races.runners(desk) as start:
        world = World(desk, tmp_path / "bank", WEDNESDAY)
        [payment] = sent(world, 16, "120.00")
        booked(world, (557, 12_000, "RETURN"))
        with transaction.atomic():
            # Somebody has looked, and seen no return.
            BankLine.objects.update(is_due=False)
            start(lambda: record(late_return(payment))).result(waiting.HUNG_AFTER_SECONDS)
            looking = start(lambda: jobs.reconcile(THURSDAY))
            races.wait_for_waiters(1, looking)
        looking.result(waiting.HUNG_AFTER_SECONDS)

        assert is_explained(12_000)


@pytest.mark.parametrize("event", [Settled, TakenBack])
def test_promise_13_whatever_is_recorded_is_on_the_list_in_its_own_transaction(world, event):
    [payment] = sent(world, 16, "120.00")
    MatchChange.objects.all().delete()

    with transaction.atomic():
        recording.record(
            [event(payment.reference, "now", WEDNESDAY.date(), evidence="x")], now=WEDNESDAY
        )
        assert MatchChange.objects.exists()
        transaction.set_rollback(True)

    assert not MatchChange.objects.exists()
