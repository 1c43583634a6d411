"""Releasing a bank file: two different treasurers, each for exactly the bytes they saw."""

from __future__ import annotations

import pytest
from django.test import Client

from billfold.banking.models import BankFile, FileApproval
from billfold.payments.models import Instruction
from billfold.payments.outgoing import withdrawal
from billfold.platform import clock
from billfold.platform.models import AuditEntry
from tests.world import eastern, usd

CUTOFF = eastern(2026, 11, 16, 17)


@pytest.fixture
def file(world) -> BankFile:
    """Run Monday's cut-off over two payments; nobody has approved its file yet."""
    world.pay(world.invoice("CL-1", "120.00"))
    world.pay(world.invoice("CL-2", "80.00"), account="880012345")
    world.now = CUTOFF
    clock.move_to(CUTOFF)
    world.run_jobs()
    return BankFile.objects.get(direction="out")


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def release(person, file, sha256=None):
    address = f"/office/files/{file.id}/release"
    return signed_in(person).post(address, {"sha256": file.sha256 if sha256 is None else sha256})


def withdraw(person, file, reason="Wrong company name", sha256=None):
    return signed_in(person).post(
        f"/office/files/{file.id}/withdrawal",
        {"sha256": sha256 or file.sha256, "reason": reason},
    )


def state(file) -> str:
    return BankFile.objects.get(pk=file.pk).state


def test_promise_20_a_file_goes_out_once_two_treasurers_said_yes(world, file):
    priya, jonah = world.treasurers

    first = release(priya, file)
    assert (first.status_code, first.url) == (303, f"/office/files/{file.id}")
    assert state(file) == "built"

    assert release(jonah, file).status_code == 303
    assert state(file) == "released"
    world.run_jobs()
    assert state(file) == "sent"


def test_promise_20_nobody_approves_twice(world, file):
    priya = world.treasurers[0]
    release(priya, file)

    again = release(priya, file)

    assert again.status_code == 422
    assert b"Another treasurer must approve it too." in again.content
    assert FileApproval.objects.count() == 1
    assert state(file) == "built"


def test_promise_20_a_clerk_may_look_but_not_release(world, file):
    page = signed_in(world.clerk).get(f"/office/files/{file.id}")
    assert b"Only a treasurer can approve a file." in page.content
    assert b"Approve $200.00" not in page.content

    for refused in (release(world.clerk, file), withdraw(world.clerk, file)):
        assert refused.status_code == 403
        assert b"Only a treasurer can" in refused.content
    assert not FileApproval.objects.exists()


def test_promise_20_a_payer_cannot_release(world, file):
    assert release(world.payer, file).status_code == 404
    assert withdraw(world.payer, file).status_code == 404
    assert state(file) == "built"


def test_promise_20_a_treasurer_who_lost_the_role_cannot_give_the_second_yes(world, file):
    priya, jonah = world.treasurers
    release(priya, file)
    client = signed_in(jonah)
    world.give_role(jonah, "clerk")

    refused = client.post(f"/office/files/{file.id}/release", {"sha256": file.sha256})

    assert refused.status_code == 403
    assert state(file) == "built"


@pytest.mark.parametrize("sha256", ["", "0" * 64, "\x00", "x" * 5000])
def test_promise_20_an_approval_counts_only_for_the_bytes_that_were_seen(world, file, sha256):
    refused = release(world.treasurers[0], file, sha256=sha256)

    assert refused.status_code == 422
    assert b"not the file that waits now" in refused.content
    assert not FileApproval.objects.exists()


def test_a_file_that_was_decided_takes_no_more_approvals(world, file):
    for treasurer in world.treasurers:
        release(treasurer, file)
    third = world.add_person("mia@cedarline.example", "Mia Lund", "treasurer")

    late = release(third, file)

    assert late.status_code == 422
    sentence = "no longer waits for an approval. Jonah Tate released it on Nov 16 at 5:00 pm ET."
    assert sentence in late.content.decode()


def test_who_comes_late_is_told_that_another_sent_the_file_back(world, file):
    priya, jonah = world.treasurers
    withdraw(priya, file)

    for late in (release(jonah, file), withdraw(jonah, file)):
        assert late.status_code == 422
        assert "Priya Raman sent it back on Nov 16 at 5:00 pm ET." in late.content.decode()


def test_who_comes_late_to_send_a_file_back_is_told_who_released_it(world, file):
    for treasurer in world.treasurers:
        release(treasurer, file)
    world.run_jobs()
    assert state(file) == "sent"

    late = withdraw(world.treasurers[0], file)

    assert late.status_code == 422
    assert "Jonah Tate released it on Nov 16 at 5:00 pm ET." in late.content.decode()


def test_promise_25_each_yes_is_on_record_with_the_person_and_the_hash(world, file):
    for treasurer in world.treasurers:
        release(treasurer, file)

    rows = AuditEntry.objects.filter(action="bank file approved").order_by("at", "id")

    assert [row.actor_name for row in rows] == ["Priya Raman", "Jonah Tate"]
    assert {row.after["sha256"] for row in rows} == {file.sha256}
    assert all(row.request_id for row in rows)


def test_the_approver_sees_totals_hash_checks_and_the_largest_item(world, file):
    page = signed_in(world.treasurers[0]).get("/office/files").context["page"]
    (card,) = page.waiting

    assert (card.entry_count, card.debit_total) == ("2", usd("200.00"))
    assert card.entry_hash == f"{2 * 12999901:010d}"
    assert card.sha256 == file.sha256
    assert card.checks_text == "4 of 4"
    assert card.checks[-1].text.startswith("Largest payment: $120.00, Hollis & Wren Architects")
    assert card.button_text == "Approve $200.00"


def test_the_second_approver_is_told_that_it_goes_out_now(world, file):
    priya, jonah = world.treasurers
    release(priya, file)

    (card,) = signed_in(jonah).get("/office/files").context["page"].waiting
    (own,) = signed_in(priya).get("/office/files").context["page"].waiting

    assert card.heading == "ACH file needs a second approval"
    assert card.button_text == "Approve and send $200.00"
    assert own.release_url == ""
    assert own.blocked_text.startswith("You approved this file at 5:00 pm ET.")


def test_bytes_that_changed_after_they_were_made_fail_their_check(world, file):
    BankFile.objects.filter(pk=file.pk).update(debit_minor=1)

    (card,) = signed_in(world.treasurers[0]).get("/office/files").context["page"].waiting

    assert card.checks_text == "2 of 4"
    assert card.checks_tone == "down"


def test_entries_show_the_ending_of_an_account_and_no_more(world, file):
    content = signed_in(world.clerk).get(f"/office/files/{file.id}").content.decode()

    assert "Checking ending 2345" in content
    assert "880012345" not in content
    assert "4417006789" not in content
    for trace in Instruction.objects.values_list("trace", flat=True):
        assert trace in content


def test_a_file_sent_back_leaves_its_payments_for_the_next_one(world, file):
    response = withdraw(world.treasurers[0], file)

    assert response.status_code == 303
    assert state(file) == "void"
    assert not Instruction.objects.filter(is_live=True).exists()
    world.go_to(eastern(2026, 11, 18))
    second = BankFile.objects.filter(direction="out").exclude(pk=file.pk).get()
    assert (second.entry_count, second.state) == (2, "accepted")


def test_promise_25_sending_a_file_back_keeps_who_and_why(world, file):
    withdraw(world.treasurers[0], file, reason="Wrong company name")

    row = AuditEntry.objects.get(action="bank file withdrawn")

    assert row.actor_name == "Priya Raman"
    assert row.after["why"] == "Wrong company name"


def test_a_released_file_can_still_be_sent_back_until_it_leaves(world, file):
    for treasurer in world.treasurers:
        release(treasurer, file)

    assert withdraw(world.treasurers[0], file).status_code == 303

    assert state(file) == "void"


def test_a_file_that_left_cannot_be_sent_back(world, file):
    for treasurer in world.treasurers:
        release(treasurer, file)
    world.run_jobs()

    refused = withdraw(world.treasurers[0], file)

    assert refused.status_code == 422
    assert b"This file has left" in refused.content
    assert state(file) == "sent"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("", b"Write why this file must not be sent."),
        ("  \t ", b"Write why this file must not be sent."),
        ("x" * 501, b"500 characters or fewer. You wrote 501."),
    ],
)
def test_sending_back_needs_a_short_reason(world, file, reason, words):
    refused = withdraw(world.treasurers[0], file, reason=reason)

    assert refused.status_code == 422
    assert words in refused.content
    assert state(file) == "built"


def test_sending_back_counts_only_for_the_bytes_that_were_seen(world, file):
    assert withdraw(world.treasurers[0], file, sha256="0" * 64).status_code == 422
    assert state(file) == "built"


def test_the_domain_takes_back_only_with_a_reason(world, file):
    with pytest.raises(withdrawal.NeedsReason):
        withdrawal.withdraw_unsent(
            file.id, file.sha256, why=" ", actor=world.treasurers[0].actor(), now=world.now
        )
