"""Files leave once, after the right people said so; what arrives is kept before it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold import jobs
from billfold.banking import exchange
from billfold.banking.models import BankFile, FileRepeat, FileState
from billfold.payments.cases import parked_items
from billfold.payments.models import Case, Instruction
from billfold.payments.outgoing import withdrawal
from billfold.platform import audit
from billfold.platform.faults import InjectedFault
from billfold.platform.models import AuditEntry
from billfold.rails.protocol import BankDocument, WrittenFile
from tests import privilege, sftp_server
from tests.environment import SHARING_A_FIXTURE
from tests.stories.outgoing.conftest import CUTOFF, at_the_bank, released, state
from tests.world import World, eastern, run_job, usd

NEXT_CUTOFF = eastern(2026, 11, 17, 17)
CRASHES = (
    "sending_begun",
    "sending_inside",
    "sending_committed",
    "upload_begun",
    "upload_inside",
    "upload_committed",
    "sent_begun",
    "sent_inside",
    "sent_committed",
)


@pytest.fixture
def crash(monkeypatch):
    """Let the work stop dead at a hook: what was not committed is gone."""

    @contextmanager
    def at(hook: str) -> Iterator[None]:
        monkeypatch.setenv("BILLFOLD_FAULT", f"{hook}:fail")
        with pytest.raises(InjectedFault):
            yield
        monkeypatch.delenv("BILLFOLD_FAULT")

    return at


# -- Sending ---------------------------------------------------------------------------------


def test_promise_14_a_released_file_is_sent_once(world, file):
    released(world, file)

    first = exchange.send_released(world.connection, now=CUTOFF)
    second = exchange.send_released(world.connection, now=CUTOFF)

    assert [sending.outcome for sending in first] == [exchange.SendOutcome.SENT]
    assert second == []
    assert at_the_bank(world) == [file.name]
    sent = (world.folder / "to_bank" / file.name).read_bytes()
    assert hashlib.sha256(sent).hexdigest() == file.sha256
    assert AuditEntry.objects.filter(action="bank file sent").count() == 1


def test_promise_14_a_file_that_arrived_before_the_crash_is_not_sent_again(world, file, crash):
    released(world, file)
    with crash("upload_committed"):
        exchange.send_released(world.connection, now=CUTOFF)
    assert state(file) == FileState.SENDING
    world.bank.act(CUTOFF)
    assert at_the_bank(world) == [file.name]

    exchange.send_released(world.connection, now=CUTOFF)

    assert state(file) == FileState.SENT
    assert at_the_bank(world) == [file.name]


def test_promise_14_absence_is_no_proof_that_a_file_never_arrived(world, file, crash):
    released(world, file)
    with crash("upload_committed"):
        exchange.send_released(world.connection, now=CUTOFF)
    (world.folder / "to_bank" / file.name).rename(world.folder / "taken" / "20261116.0001")

    run_job("send", CUTOFF)
    run_job("send", CUTOFF)

    assert state(file) == FileState.SENDING
    assert at_the_bank(world) == []
    assert Case.objects.get().kind == "transmission unknown"


def test_two_files_that_find_nobody_end_the_try_and_the_next_one_begins_anew(world, file, caplog):
    """A far side that is away costs two deadlines, not one for each file."""
    files = [released(world, file)]
    for number in (2, 3):
        world.pay(world.invoice(f"CL-{number}", "120.00"))
        later = CUTOFF + timedelta(days=number - 1)
        jobs.cut_off(later)
        files.append(released(world, BankFile.objects.get(direction="out", state="built")))
    away = (world.folder / "to_bank").rename(world.folder / "away")

    results = exchange.send_released(world.connection, now=CUTOFF)

    assert [result.outcome for result in results] == ["unreachable"] * 3
    assert sum("sending" in record.message for record in caplog.records) == 2
    away.rename(world.folder / "to_bank")
    exchange.send_released(world.connection, now=CUTOFF)
    assert {state(each) for each in files} == {FileState.SENT}


def test_a_file_that_did_not_arrive_before_the_crash_is_sent(world, file, crash):
    released(world, file)
    with crash("upload_inside"):
        exchange.send_released(world.connection, now=CUTOFF)
    assert at_the_bank(world) == []

    exchange.send_released(world.connection, now=CUTOFF)

    assert state(file) == FileState.SENT
    assert at_the_bank(world) == [file.name]


def test_promise_14_other_bytes_under_our_name_are_a_persons_to_judge(world, file, crash):
    released(world, file)
    with crash("upload_begun"):
        exchange.send_released(world.connection, now=CUTOFF)
    (world.folder / "to_bank" / file.name).write_bytes(b"101 something else")

    run_job("send", CUTOFF)
    run_job("send", CUTOFF)

    assert state(file) == FileState.SENDING
    assert (world.folder / "to_bank" / file.name).read_bytes() == b"101 something else"
    assert Case.objects.get().kind == "transmission unknown"


def test_promise_14_a_bank_that_hides_uploads_leaves_the_question_to_a_person(world, file, crash):
    del world.connection.transport["taken"]
    privilege.save(world.connection)
    released(world, file)
    with crash("upload_begun"):
        exchange.send_released(world.connection, now=CUTOFF)

    run_job("send", CUTOFF)
    run_job("send", CUTOFF)

    assert state(file) == FileState.SENDING
    assert at_the_bank(world) == []
    case = Case.objects.get(kind="transmission unknown")
    assert case.facts == {"sha256": file.sha256, "size": file.size}


def test_a_bank_that_does_not_answer_gets_the_file_later(world, file):
    released(world, file)
    away = world.folder / "away"
    (world.folder / "to_bank").rename(away)

    [sending] = exchange.send_released(world.connection, now=CUTOFF)
    assert sending.outcome is exchange.SendOutcome.UNREACHABLE
    away.rename(world.folder / "to_bank")
    [sending] = exchange.send_released(world.connection, now=CUTOFF)

    assert sending.outcome is exchange.SendOutcome.SENT
    assert at_the_bank(world) == [file.name]


def test_a_lost_acknowledgement_over_sftp_does_not_send_twice(world, file, tmp_path):
    released(world, file)
    with sftp_server.running(tmp_path / "sftp") as bank:
        world.connection.transport = bank.setting()
        privilege.save(world.connection)
        bank.cut_after_rename = True

        [sending] = exchange.send_released(world.connection, now=CUTOFF)
        assert sending.outcome is exchange.SendOutcome.UNREACHABLE
        (bank.folder("to_bank") / file.name).rename(bank.folder("taken") / file.name)
        bank.cut_after_rename = False
        [sending] = exchange.send_released(world.connection, now=CUTOFF)

        assert sending.outcome is exchange.SendOutcome.SENT
        assert list(bank.folder("to_bank").iterdir()) == []


@given(
    attempts=st.lists(
        st.tuples(
            st.sampled_from((*CRASHES, "none")),
            st.sampled_from(("bank takes", "bank renames", "bank is slow", "line is down")),
        ),
        max_size=6,
    ),
    shows_uploads=st.booleans(),
)
@settings(
    max_examples=40,
    suppress_health_check=SHARING_A_FIXTURE,
)
def test_promise_14_any_interleaving_of_attempts_sends_at_most_once(
    world, tmp_path_factory, attempts, shows_uploads
):
    bank = _EmptyBank(tmp_path_factory.mktemp("bank"), world, shows_uploads=shows_uploads)
    file = bank.release_a_file()

    for crash_at, meanwhile in (*attempts, ("none", "bank takes")):
        bank.attempt(crash_at, line_is_down=meanwhile == "line is down")
        if meanwhile in {"bank takes", "bank renames"}:
            bank.take(under_own_name=meanwhile == "bank renames")
        assert bank.deliveries(file) <= 1

    if state(file) == FileState.SENT:
        assert bank.deliveries(file) == 1
    else:  # Nothing at the bank proves what became of it.
        assert state(file) == FileState.SENDING
        assert bank.attempt("none", line_is_down=False) == [exchange.SendOutcome.UNKNOWN]


class _EmptyBank:
    """A bank that only takes files, and counts them."""

    def __init__(self, place: Path, world: World, *, shows_uploads: bool) -> None:
        self.to_bank, self.taken = place / "to_bank", place / "taken"
        self.to_bank.mkdir()
        self.taken.mkdir()
        self.takes: list[str] = []
        self.world = world
        BankFile.objects.update(state=FileState.VOID)  # What the example before left.
        folders = {"to_bank": str(self.to_bank), "from_bank": str(self.to_bank)}
        hidden = {"taken": str(self.taken)} if shows_uploads else {}
        world.connection.transport = {"kind": "folder", **folders, **hidden}
        privilege.save(world.connection)

    def release_a_file(self) -> BankFile:
        number = BankFile.objects.count()
        written = WrittenFile(
            BankDocument(f"CEDAR-{number}.ach", b"%d" % number * 94),
            entries=(),
            debit=usd("10.00"),
            credit=usd("0"),
            effective_date=CUTOFF.date() + timedelta(days=1),
            last_sequence=1,
        )
        day = CUTOFF.date() + timedelta(days=number)
        bank = self.world.connection
        file = exchange.build(bank, written, business_date=day, modifier="A", now=CUTOFF)
        return released(self.world, file)

    def attempt(self, crash_at: str, *, line_is_down: bool) -> list[exchange.SendOutcome]:
        outcomes: list[exchange.SendOutcome] = []
        away = self.to_bank.with_name("away")
        if line_is_down:
            self.to_bank.rename(away)
        with pytest.MonkeyPatch.context() as patch, suppress(InjectedFault):
            patch.setenv("BILLFOLD_FAULT", f"{crash_at}:fail")
            outcomes = [
                sending.outcome
                for sending in exchange.send_released(self.world.connection, now=CUTOFF)
            ]
        if line_is_down:
            away.rename(self.to_bank)
        return outcomes

    def take(self, *, under_own_name: bool) -> None:
        for path in self.to_bank.glob("*.ach"):
            self.takes.append(path.name)
            path.rename(self.taken / f"{'R-' * under_own_name}{path.name}")

    def deliveries(self, file: BankFile) -> int:
        return self.takes.count(file.name) + (self.to_bank / file.name).exists()


# -- Receiving -------------------------------------------------------------------------------


def leave(world: World, name: str, content: bytes) -> None:
    (world.folder / "from_bank" / name).write_bytes(content)


def left(world: World) -> list[str]:
    return sorted(path.name for path in (world.folder / "from_bank").iterdir())


def test_what_the_bank_left_is_removed_only_after_it_is_stored(world, crash):
    leave(world, "ODD.txt", b"something")

    with crash("fetch_inside"):
        exchange.fetch_new(world.connection, report=parked_items, now=world.now)
    assert left(world) == ["ODD.txt"]
    assert not BankFile.objects.exists()

    with crash("fetch_committed"):
        exchange.fetch_new(world.connection, report=parked_items, now=world.now)
    assert left(world) == ["ODD.txt"]
    assert BankFile.objects.count() == 1

    fetched = exchange.fetch_new(world.connection, report=parked_items, now=world.now)
    assert fetched.repeated == ["ODD.txt"]
    assert left(world) == []
    assert exchange.unseal_content(BankFile.objects.get()) == b"something"
    assert not FileRepeat.objects.exists()


def test_a_document_under_another_name_is_noted_once_and_not_read_again(world):
    for name in ("PRIOR.bai", "PRIOR-AGAIN.bai", "PRIOR-AGAIN.bai"):
        leave(world, name, b"01,not a whole statement/\n")
        run_job("fetch", world.now)
        jobs.read(world.now)

    file = BankFile.objects.get()
    assert file.name == "PRIOR.bai"
    assert [repeat.name for repeat in file.repeats.all()] == ["PRIOR-AGAIN.bai"]
    assert Case.objects.count() == 1


def test_a_bank_that_does_not_answer_is_looked_at_later(world):
    (world.folder / "from_bank").rmdir()

    fetched = exchange.fetch_new(world.connection, report=parked_items, now=world.now)

    assert fetched.stored == []
    assert "from_bank" in fetched.unreachable


def test_received_bytes_are_sealed_at_rest(world):
    leave(world, "ODD.txt", b"account 4417006789")
    exchange.fetch_new(world.connection, report=parked_items, now=world.now)

    assert b"4417006789" not in bytes(BankFile.objects.get().content.content_sealed)


# -- The bank's answer -----------------------------------------------------------------------


def answer(world: World, file: BankFile, verdict: str, *, sha256: str = "") -> None:
    words = f"status: {verdict}\nfile: {file.name}\nsha256: {sha256 or file.sha256}\n"
    if verdict == "rejected":
        words += "reason: the entry hash is wrong\n"
    leave(world, f"{file.name}.{verdict}", words.encode())
    run_job("fetch", CUTOFF)
    jobs.read(CUTOFF)


def test_an_accepted_file_is_marked(world, file):
    released(world, file)
    run_job("send", CUTOFF)

    answer(world, file, "accepted")

    assert state(file) == FileState.ACCEPTED


def test_an_answer_ends_a_transmission_nobody_was_sure_of(world, file, crash):
    released(world, file)
    with crash("upload_committed"):
        exchange.send_released(world.connection, now=CUTOFF)

    answer(world, file, "accepted")
    exchange.send_released(world.connection, now=CUTOFF)

    assert state(file) == FileState.ACCEPTED
    assert at_the_bank(world) == [file.name]


def test_the_payments_of_a_rejected_file_go_out_in_a_new_file_with_new_traces(world, file):
    released(world, file)
    run_job("send", CUTOFF)
    [old] = Instruction.objects.all()

    answer(world, file, "rejected")

    assert state(file) == FileState.REJECTED
    assert world.state(old.payment) == "scheduled"
    assert world.open(old.payment.remittances.get().invoice) == usd("120.00")
    assert "the entry hash is wrong" in Case.objects.get(kind="file rejected").title

    jobs.cut_off(NEXT_CUTOFF)

    second = BankFile.objects.get(direction="out", state="built")
    [new] = Instruction.objects.filter(file=second)
    assert (new.payment_id, new.is_live) == (old.payment_id, True)
    assert new.trace != old.trace
    assert world.state(old.payment) == "in_transit"
    assert not Instruction.objects.get(pk=old.pk).is_live
    assert second.sha256 != file.sha256


def test_a_rejection_heard_twice_withdraws_once(world, file):
    released(world, file)
    run_job("send", CUTOFF)
    answer(world, file, "rejected")
    jobs.cut_off(NEXT_CUTOFF)

    leave(world, "again", f"status: rejected\nsha256: {file.sha256}\nreason: x\n".encode())
    run_job("fetch", NEXT_CUTOFF)
    jobs.read(NEXT_CUTOFF)

    assert world.state(Instruction.objects.get(is_live=True).payment) == "in_transit"


def test_an_answer_about_a_file_we_did_not_send_is_a_persons_to_judge(world, file):
    answer(world, file, "accepted", sha256="f" * 64)

    received = BankFile.objects.get(direction="in")
    assert received.state == FileState.REFUSED
    assert Case.objects.get().kind == "file could not be read"
    assert state(file) == FileState.BUILT


def test_a_file_not_sent_yet_can_be_withdrawn_and_is_never_sent(world, file):
    released(world, file)
    with transaction.atomic():
        withdrawal.withdraw(file.pk, why="wrong day", actor=world.clerk.actor(), now=CUTOFF)

    run_job("send", CUTOFF)

    assert state(file) == FileState.VOID
    assert at_the_bank(world) == []


def test_a_file_the_bank_has_accepted_cannot_be_withdrawn(world, file):
    released(world, file)
    run_job("send", CUTOFF)
    answer(world, file, "accepted")

    with pytest.raises(withdrawal.NotWithdrawable), transaction.atomic():
        withdrawal.withdraw(file.pk, why="x", actor=audit.job("test"), now=CUTOFF)
