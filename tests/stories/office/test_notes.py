"""What staff write by hand is kept for ever, so no account number gets into it."""

from __future__ import annotations

import pytest
from django.db import connection

from billfold import jobs
from billfold.banking.models import BankFile
from billfold.cli.commands import hold
from billfold.cli.refusal import CommandRefused
from billfold.payments.cases import casework, notes
from billfold.payments.models import Case, Instruction
from billfold.payments.outgoing import withdrawal
from billfold.payments.proof import leaks
from billfold.payments.proof.check import Inspection
from billfold.platform.models import AuditEntry
from tests.stories.incoming.bank_words import leave
from tests.stories.portal.payer import text_of
from tests.world import World, eastern, run_job

ACCOUNT = "4417006789"
REFUSED = "Write only the last four digits of an account."


@pytest.fixture
def office(world, client):
    client.force_login(world.treasurers[0])
    return client


@pytest.fixture
def file(world: World) -> BankFile:
    world.pay(world.invoice("CL-208814", "120.00"))
    jobs.cut_off(eastern(2026, 11, 16, 17))
    return BankFile.objects.get(direction="out")


@pytest.fixture
def case(world: World) -> Case:
    casework.open_cases([casework.NewCase("k", "stray event", "Something came")], now=world.now)
    return Case.objects.get()


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(after::text, ' ') || (SELECT string_agg(resolution, ' ') "
            "FROM payments_case) FROM platform_auditentry"
        )
        return str(cursor.fetchone())


@pytest.mark.parametrize("note", [f"They closed {ACCOUNT}.", "They closed 4417 006-789"])
def test_promise_23_a_case_is_not_closed_with_an_account_number(world, office, case, note):
    refused = office.post(
        f"/office/cases/{case.id}/resolution", {"choice": "nothing", "note": note}
    )

    assert refused.status_code == 422
    assert REFUSED in text_of(refused)
    case.refresh_from_db()
    assert case.closed_at is None
    with pytest.raises(notes.NamesAnAccount):
        casework.close(case.id, note, actor=world.clerk.actor(), now=world.now)
    assert "4417" not in stored()


@pytest.mark.parametrize("character", ["\x07", "\u202e", "\u200b", "\ufeff"])
def test_a_note_that_holds_what_nobody_sees_names_the_character(office, case, character):
    note = f"They{character} closed it."

    refused = office.post(f"/office/cases/{case.id}/notes", {"note": note})

    assert refused.status_code == 422
    assert f"Remove U+{ord(character):04X}" in text_of(refused)
    assert "at character 5: it cannot be seen." in text_of(refused)
    kept = office.post(f"/office/cases/{case.id}/notes", {"note": "They\r\nclosed it."})
    assert kept.status_code == 303


def test_a_note_may_name_what_is_ours(world, office, file, case):
    trace = Instruction.objects.get().trace
    payment = Instruction.objects.get().payment.reference
    note = (
        f"Account # 40-118-2207, invoice CL-208814/cl-208814, payment {payment}, trace {trace}, "
        f"file {file.name}: $120.00 on 11/17/2026. Call 212-555-0199; ending 6789."
    )

    closed = office.post(f"/office/cases/{case.id}/resolution", {"choice": "nothing", "note": note})

    assert closed.status_code == 303


def test_promise_23_a_file_is_not_sent_back_with_an_account_number(world, office, file):
    form = {"sha256": file.sha256, "reason": f"{ACCOUNT} is wrong"}

    refused = office.post(f"/office/files/{file.id}/withdrawal", form)

    assert refused.status_code == 422
    assert REFUSED in text_of(refused)
    with pytest.raises(notes.NamesAnAccount):
        withdrawal.withdraw_unsent(
            file.pk, file.sha256, why=ACCOUNT, actor=world.clerk.actor(), now=world.now
        )
    assert not AuditEntry.objects.filter(action="bank file withdrawn").exists()


def test_promise_23_what_a_bank_answers_is_kept_without_account_numbers(world, file):
    world.release_all(eastern(2026, 11, 16, 17))
    run_job("send", eastern(2026, 11, 16, 18))

    words = f"status: rejected\nsha256: {file.sha256}\nreason: ACCT {ACCOUNT} IS CLOSED\n"
    leave(world, "answer", words.encode(), now=eastern(2026, 11, 16, 19))

    assert "ACCT ending 6789" in Case.objects.get(kind="file rejected").title
    (check,) = leaks.CHECKS
    assert not check.find(Inspection(world.biller, world.now)).count


def test_promise_23_hold_is_not_set_with_an_account_number(world):
    with pytest.raises(CommandRefused, match="last four digits"):
        hold.check_note(f"{ACCOUNT} is stolen", [world.biller])

    hold.check_note("The bank called on 11/16/2026 about 6789", [world.biller])
