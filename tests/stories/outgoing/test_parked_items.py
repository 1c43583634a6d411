"""What our own code fails at is set aside with a case, and everything else goes on."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from smtplib import SMTPDataError, SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, InternalError, OperationalError, ProgrammingError

from billfold import bankdays
from billfold.banking import exchange
from billfold.banking.models import BankConnection, BankFile, BankLine, Statement
from billfold.cli import main
from billfold.notices import outbox
from billfold.notices.models import Notice
from billfold.payments.cases import parked_items
from billfold.payments.method_models import Mandate
from billfold.payments.models import Case, CutOff, Instruction, Payment, SubjectEvent
from billfold.payments.outgoing import cutoff
from billfold.payments.outgoing.culprits import find_culprits
from billfold.payments.paying import scheduling
from billfold.payments.proof import files, outside, paying_once
from billfold.payments.proof.check import Inspection
from billfold.payments.rules import debit_rules
from billfold.platform import feed, parking, sealing, tenancy
from billfold.platform.faults import InjectedFault
from billfold.platform.feed import FeedKind
from billfold.platform.gate import GateClosed, PassageLost
from billfold.platform.ids import new_id
from billfold.platform.models import AuditEntry, ItemFailure
from tests import privilege, waiting
from tests.conftest import MONDAY
from tests.stories.incoming.bank_words import leave, line, statement
from tests.world import World, eastern, run_job

CUTOFF, TUESDAY = eastern(2026, 11, 16, 17), eastern(2026, 11, 17, 9)
TRIES = [timedelta(minutes=minutes) for minutes in (0, 1, 3, 7, 15)]
"""When an item is tried: after waits of one, two, four and eight minutes."""


def findings(world: World, title: str, now: datetime) -> list[str]:
    checks = (*files.CHECKS, *outside.CHECKS, *paying_once.CHECKS)
    (check,) = (check for check in checks if check.title == title)
    return list(check.find(Inspection(world.biller, now)).first)


def pay_each(world: World, *amounts: str) -> list[Payment]:
    accounts = (f"44170067{number:02}" for number in range(10, 99))
    return [
        world.pay(world.invoice(f"CL-{amount}", amount), account=account)
        for amount, account in zip(amounts, accounts, strict=False)
    ]


def spoil(payment: Payment) -> None:
    """Let the account number of a payment not open any more."""
    seal_as(payment, b"spoilt")


def seal_as(payment: Payment, number_sealed: bytes) -> None:
    account = payment.method.account
    account.number_sealed = number_sealed
    with privilege.every_right_and_no_triggers():
        account.save()


def call(letter: Notice, subject: str) -> None:
    """Change the subject of a letter; one of two lines cannot be sent."""
    letter.subject = subject
    privilege.save(letter)


@pytest.fixture
def letters(world: World) -> list[Notice]:
    pay_each(world, "10.00", "20.00", "30.00")
    return list(Notice.objects.order_by("queued_at", "id"))


def test_a_letter_that_fails_holds_up_no_other_and_is_parked_after_five_tries(world, letters):
    call(letters[0], "Two\nlines")

    run_job("mail", world.now)
    assert len(mail.outbox) == 2
    for wait in TRIES[1:-1]:
        run_job("mail", world.now + wait)
    assert not Case.objects.exists()
    run_job("mail", world.now + TRIES[-1])

    case = Case.objects.get()
    assert (case.kind, case.evidence) == ("letter could not be sent", f"notice/{letters[0].pk}")
    assert "(BadHeaderError)" in case.title
    failure = ItemFailure.objects.get()
    assert (failure.attempts, failure.parked_at) == (5, world.now + TRIES[-1])
    run_job("mail", world.now + timedelta(days=1))
    assert ItemFailure.objects.get().attempts == 5


def test_a_letter_is_tried_again_after_a_wait_that_doubles(world, letters):
    call(letters[0], "Two\nlines")
    for minutes, attempts in ((0, 1), (0.5, 1), (1, 2), (2.9, 2), (3, 3), (6.9, 3), (7, 4)):
        run_job("mail", world.now + timedelta(minutes=minutes))
        assert ItemFailure.objects.get().attempts == attempts


def test_letters_that_wait_take_no_place_in_a_batch(world, letters, monkeypatch):
    monkeypatch.setattr(outbox, "_BATCH", 1)
    call(letters[0], "Two\nlines")

    run_job("mail", world.now)
    assert mail.outbox == []
    run_job("mail", world.now)

    assert [sent.subject for sent in mail.outbox] == [letters[1].subject]


def test_a_letter_that_gets_through_later_is_forgotten(world, letters):
    call(letters[0], "Two\nlines")
    run_job("mail", world.now)
    call(letters[0], "One line")

    run_job("mail", world.now + timedelta(minutes=1))

    assert len(mail.outbox) == 3
    assert not ItemFailure.objects.exists()


class MailServer(EmailBackend):
    """A mail server that refuses what is addressed to somebody, as real ones do."""

    errors: dict[str, Exception] = {}

    def send_messages(self, messages):
        for message in messages:
            for word, error in self.errors.items():
                if word in message.subject:
                    raise error
        return super().send_messages(messages)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SMTPDataError(550, b"no such user"), (2, [1])),
        (SMTPDataError(451, b"try again later"), (2, [0])),
        (SMTPServerDisconnected("gone"), (0, [0])),
        (ConnectionResetError("gone"), (0, [0])),
    ],
)
def test_a_mail_server_that_is_away_is_no_fault_of_a_letter(
    world, letters, settings, monkeypatch, error, expected
):
    settings.EMAIL_BACKEND = f"{__name__}.MailServer"
    call(letters[0], "Refused")
    monkeypatch.setattr(MailServer, "errors", {"Refused": error})

    run_job("mail", world.now)

    attempts = list(ItemFailure.objects.values_list("attempts", flat=True))
    assert (len(mail.outbox), attempts) == expected
    for days in range(1, 8):
        run_job("mail", world.now + timedelta(days=days))
    assert Case.objects.exists() is (attempts == [1])


def spoilt_line(world: World, on: datetime) -> BankLine:
    """Add a bank line whose words do not open any more."""
    day = statement(world, on.date(), [line(142, 100, "ACH", on=on.date())])
    leave(world, "day.bai", day, now=on + timedelta(days=1))
    whole = BankLine.objects.get()
    return BankLine.objects.create(
        id=new_id(),
        connection=whole.connection,
        statement=Statement.objects.get(),
        as_of=whole.as_of,
        type_code="557",
        is_credit=False,
        amount_minor=5,
        text_sealed=b"spoilt",
        text_fingerprint="x",
        occurrence=1,
        line=0,
    )


def test_promise_7_a_bank_line_that_fails_is_parked_and_the_others_are_looked_at(world):
    spoilt = spoilt_line(world, MONDAY)
    now = MONDAY + timedelta(days=1)

    for wait in TRIES:
        with waiting.stopped_after_queries(2_000):
            run_job("reconcile", now + wait)

    kinds = set(Case.objects.values_list("kind", flat=True))
    assert kinds == {"bank line to explain", "bank line could not be matched"}
    assert Case.objects.get(kind="bank line could not be matched").evidence == spoilt.evidence
    title = "A bank line nobody explained has an open case"
    assert findings(world, title, now + timedelta(days=1)) == []


def test_promise_14_one_bad_payment_is_parked_at_the_cut_off_and_the_rest_is_cut(world):
    first, bad, last = pay_each(world, "10.00", "20.00", "30.00")
    spoil(bad)

    run_job("cut-off", CUTOFF)

    assert set(Instruction.objects.values_list("payment__reference", flat=True)) == {
        first.reference,
        last.reference,
    }
    assert BankFile.objects.get().debit_minor == 4_000
    assert [world.state(each) for each in (first, bad, last)] == [
        "in_transit",
        "scheduled",
        "in_transit",
    ]
    case = Case.objects.get()
    assert (case.kind, case.payment) == ("payment could not be put into a file", bad)
    assert "(Unsealable)" in case.title
    assert findings(world, "No due payment was passed over", CUTOFF) == []
    with privilege.every_right():
        Case.objects.update(closed_at=CUTOFF, resolution="x")
    assert len(findings(world, "No due payment was passed over", CUTOFF)) == 1


def test_promise_14_a_parked_payment_goes_out_once_when_it_is_tried_again(world):
    good, bad = pay_each(world, "10.00", "20.00")
    sealed = bytes(bad.method.account.number_sealed)
    spoil(bad)
    run_job("cut-off", CUTOFF)
    tuesday = eastern(2026, 11, 17, 17)
    run_job("cut-off", tuesday)
    assert world.state(bad) == "scheduled"
    seal_as(bad, sealed)

    wednesday = eastern(2026, 11, 18, 17)
    failure = parked_items.list_parked().get()
    parked_items.try_again(failure.pk, actor=world.actor(), now=wednesday)
    run_job("cut-off", wednesday)

    assert Instruction.objects.filter(payment=bad).count() == 1
    assert Instruction.objects.filter(payment=good).count() == 1
    assert Case.objects.get().resolution == "It is through"
    assert not ItemFailure.objects.exists()
    with pytest.raises(parked_items.NoLongerParked):
        parked_items.try_again(failure.pk, actor=world.actor(), now=wednesday)


def test_a_parked_payment_can_be_canceled_and_then_its_case_closes(world):
    _, bad = pay_each(world, "10.00", "20.00")
    spoil(bad)
    run_job("cut-off", CUTOFF)

    scheduling.cancel(bad, actor=world.actor(), now=CUTOFF)

    assert world.state(bad) == "canceled"
    assert Case.objects.get().closed_at
    assert not ItemFailure.objects.exists()


def test_a_cut_off_at_which_too_much_fails_stops_and_parks_nothing(world, monkeypatch):
    monkeypatch.setattr(cutoff, "MOST_CULPRITS", 2)
    for payment in pay_each(world, "10.00", "20.00", "30.00"):
        spoil(payment)

    with pytest.raises(sealing.Unsealable):
        run_job("cut-off", CUTOFF)

    assert not ItemFailure.objects.exists()
    assert not BankFile.objects.exists()


def test_promise_14_a_payment_that_fits_no_file_is_parked_and_the_cut_off_ends(world, monkeypatch):
    large, small = pay_each(world, "120.00", "80.00")
    with privilege.every_right():
        BankConnection.objects.update(max_file_minor=11_999)
    rules = {rule.name: rule.sql for rule in debit_rules.RULES if rule.name != "above-bank-limit"}
    others = " AND ".join(f"({sql}) IS TRUE" for sql in rules.values())
    broken = cutoff._EXAMINED.format(first_broken=f"CASE WHEN {others} THEN '' ELSE 'broken' END")
    monkeypatch.setattr(cutoff, "_SELECT_BROKEN_RULES", broken)

    with waiting.stopped_after_queries(2_000):
        run_job("cut-off", CUTOFF)

    assert (world.state(large), world.state(small)) == ("scheduled", "in_transit")
    case = Case.objects.get()
    assert (case.payment, "(FitsNoFile)" in case.title) == (large, True)
    assert CutOff.objects.count() == 1


def test_promise_14_a_refusal_that_changes_nothing_is_parked_and_the_cut_off_ends(world):
    stuck, sound = pay_each(world, "120.00", "80.00")
    with privilege.every_right():
        SubjectEvent.objects.create(
            id=new_id(),
            subject=stuck.subject,
            key="refused/cut-off",
            kind="postponed",
            on_date=MONDAY.date(),
            outcome="scheduled",
            at=MONDAY,
            feed_row_id=feed.row(FeedKind.EVENTS, now=MONDAY),
        )
        Mandate.objects.filter(pk=stuck.mandate_id).update(revoked_at=MONDAY)

    with waiting.stopped_after_queries(2_000):
        run_job("cut-off", CUTOFF)

    assert (world.state(stuck), world.state(sound)) == ("scheduled", "in_transit")
    assert "(NotMoved)" in Case.objects.get().title
    assert CutOff.objects.count() == 1


def test_promise_10_a_parked_payment_that_is_refused_later_leaves_no_case(world):
    bad, _ = pay_each(world, "10.00", "20.00")
    spoil(bad)
    run_job("cut-off", CUTOFF)
    with privilege.every_right():
        Mandate.objects.filter(pk=bad.mandate_id).update(revoked_at=CUTOFF)
    tuesday = eastern(2026, 11, 17, 17)

    failure = parked_items.list_parked().get()
    parked_items.try_again(failure.pk, actor=world.actor(), now=tuesday)
    run_job("cut-off", tuesday)

    assert world.state(bad) == "failed"
    assert Case.objects.get().closed_at
    assert not ItemFailure.objects.exists()


def test_two_banks_may_each_leave_a_document_of_the_same_name(world, monkeypatch):
    """What fails at one bank holds up nothing at the other."""
    ItemFailure.objects.create(
        id=new_id(), job="fetch", item="Another/A.bai", error="ValueError", next_try_at=CUTOFF
    )
    (world.folder / "from_bank" / "A.bai").write_bytes(b"A.bai")

    run_job("fetch", MONDAY)

    assert BankFile.objects.get().name == "A.bai"
    assert ItemFailure.objects.get().item == "Another/A.bai"


def test_a_calendar_that_ends_is_no_fault_of_a_payment(world, monkeypatch):
    payment = world.pay(world.invoice("CL-1", "10.00"))
    monkeypatch.setattr(bankdays.ACH, "published_through", 2025)

    with pytest.raises(bankdays.UnknownYear):
        cutoff.collect_due(world.connection, MONDAY.date(), now=CUTOFF)

    assert world.state(payment) == "scheduled"
    assert not ItemFailure.objects.exists()


def test_culprits_are_found_by_halving():
    trials = []

    def fails(references):
        trials.append(references)
        return bool({"17", "18", "80"} & set(references))

    assert list(find_culprits([str(n) for n in range(100)], fails)) == ["17", "18", "80"]
    assert len(trials) < 50
    assert list(find_culprits(["a", "b"], lambda both: len(both) == 2)) == []
    assert list(find_culprits([], lambda _: True)) == []


def test_a_document_that_cannot_be_stored_is_parked_and_the_others_are_fetched(world, monkeypatch):
    kind_of = exchange.kind_of

    def stumble(document):
        if document.name == "A.bai":
            raise ValueError
        return kind_of(document)

    monkeypatch.setattr(exchange, "kind_of", stumble)
    for name in ("A.bai", "B.bai"):
        (world.folder / "from_bank" / name).write_bytes(name.encode())

    for wait in TRIES:
        run_job("fetch", world.now + wait)

    assert BankFile.objects.get().name == "B.bai"
    case = Case.objects.get(kind="document could not be stored")
    assert "Operating/A.bai (ValueError)" in case.title
    monkeypatch.undo()
    parked_items.try_again(ItemFailure.objects.get().pk, actor=world.actor(), now=world.now)
    run_job("fetch", world.now)
    assert BankFile.objects.filter(name="A.bai").exists()
    case.refresh_from_db()
    assert case.resolution == "It is through"


@pytest.mark.parametrize(
    ("error", "is_of_item"),
    [
        (ValueError(), True),
        (KeyError(), True),
        (IntegrityError(), True),
        (OperationalError(), False),
        (InternalError(), True),
        (ProgrammingError(), False),
        (GateClosed(), False),
        (PassageLost(), False),
        (sealing.KeysMissing(), False),
        (sealing.Unsealable(), True),
        (TimeoutError(), False),
        (OSError(28, "No space left on device"), False),
        (MemoryError(), False),
    ],
)
def test_database_network_disk_and_keys_are_no_fault_of_an_item(error, is_of_item):
    assert parking.is_of_item(error) is is_of_item


def test_promise_13_a_parked_file_is_shown_and_is_no_finding(world, client, settings, monkeypatch):
    settings.MOST_FAILURES = 1
    monkeypatch.setattr(exchange, "unseal_content", lambda _: 1 / 0)
    file = leave(world, "day.bai", statement(world, MONDAY.date(), []), now=MONDAY)
    monkeypatch.undo()

    client.force_login(world.clerk)
    case = Case.objects.get()
    assert "This file is set aside" in client.get(f"/office/files/{file.id}").content.decode()
    page = client.get(f"/office/cases/{case.id}").content.decode()
    assert "Waits to be tried again" in page and "billfold parked retry" in page
    title = "What the bank sent is read within the hour"
    assert findings(world, title, MONDAY + timedelta(hours=2)) == []


def test_promise_13_a_crash_after_a_parked_file_is_read_leaves_no_case(
    world, settings, monkeypatch
):
    settings.MOST_FAILURES = 1
    monkeypatch.setattr(exchange, "unseal_content", lambda _: 1 / 0)
    file = leave(world, "day.bai", statement(world, MONDAY.date(), []), now=TUESDAY)
    monkeypatch.undo()
    failure = parked_items.list_parked().get()
    parked_items.try_again(failure.pk, actor=world.actor(), now=TUESDAY)

    monkeypatch.setenv("BILLFOLD_FAULT", "read_committed:fail")
    with pytest.raises(InjectedFault):
        run_job("read", TUESDAY)
    monkeypatch.undo()
    assert Case.objects.get().closed_at is None
    run_job("read", TUESDAY)

    file.refresh_from_db()
    assert file.state == "read"
    assert Case.objects.get().resolution == "It is through"
    assert not ItemFailure.objects.exists()


@pytest.fixture
def command(desk: tenancy.Biller, monkeypatch, capsys):
    """Run `billfold parked …` in this process; gives its exit code, output and complaints."""
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)

    def run(*words: object) -> tuple[int, str, str]:
        code = main.main(["parked", *map(str, words), "--biller", desk.schema])
        return code, *capsys.readouterr()

    return run


def test_what_is_parked_is_listed_and_tried_again_by_command(desk, command, tmp_path):
    with tenancy.use(desk):
        world = World(biller=desk, folder=tmp_path / "bank", now=MONDAY)
        pay_each(world, "10.00", "20.00")
        for letter in Notice.objects.all():
            call(letter, "Two\nlines")
        for wait in TRIES:
            run_job("mail", MONDAY + wait)

    code, output, _ = command("list", "--json")
    first, second = json.loads(output)
    assert (code, first["job"], first["failures"], first["error"]) == (
        0,
        "mail",
        5,
        "BadHeaderError",
    )
    assert first["subject"].startswith("notice/")
    assert command("retry", first["id"], "--json")[0] == 0
    code, _, complaint = command("retry", first["id"])
    assert (code, "see `billfold parked list`" in complaint) == (1, True)
    assert command("retry")[0] == 2
    assert command("retry", "--all")[1] == "1 to be tried again.\n"
    assert command("list")[1] == "Nothing is parked.\n"

    with tenancy.use(desk):
        entries = AuditEntry.objects.filter(action="parked item tried again")
        assert {entry.subject for entry in entries} == {first["subject"], second["subject"]}
