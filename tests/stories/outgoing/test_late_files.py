"""A file that cannot settle on its day any more is not sent: it is taken back and made anew."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from billfold import jobs
from billfold.banking import file_approvals
from billfold.banking.models import BankFile
from billfold.notices.models import Notice
from billfold.payments.models import Case, Payment
from billfold.payments.outgoing import transmission, withdrawal
from billfold.payments.paying import scheduling
from tests.world import PASSWORD, World, eastern, run_job

MONDAY, TUESDAY = eastern(2026, 11, 16, 17), eastern(2026, 11, 17, 9)


@pytest.fixture
def file(world: World) -> BankFile:
    """Give the file of Monday's cut-off, which should settle on Tuesday."""
    world.pay(world.invoice("CL-1", "120.00"))
    jobs.cut_off(MONDAY)
    return BankFile.objects.get(direction="out")


def state(file: BankFile) -> str:
    return BankFile.objects.get(pk=file.pk).state


def at_the_bank(world: World) -> list[str]:
    return [path.name for path in (world.folder / "to_bank").iterdir()]


def test_promise_19_a_file_is_not_released_once_its_day_has_come(world, file):
    with pytest.raises(file_approvals.EffectiveDatePassed):
        world.release_all(TUESDAY)

    assert state(file) == "built"
    assert not file.approvals.exists()


def test_promise_19_a_released_file_is_not_sent_once_its_day_has_come(world, file):
    world.release_all(MONDAY)

    run_job("send", TUESDAY)
    run_job("send", TUESDAY)

    assert at_the_bank(world) == []
    assert state(file) == "released"
    case = Case.objects.get()
    assert case.kind == transmission.TOO_LATE
    assert "can no longer settle on Nov 17" in case.title

    withdrawal.withdraw_unsent(
        file.pk, file.sha256, why="late", actor=world.clerk.actor(), now=TUESDAY
    )
    case.refresh_from_db()
    assert case.resolution == "It was taken back"
    jobs.cut_off(TUESDAY.replace(hour=17))
    again = BankFile.objects.get(direction="out", state="built")
    assert again.effective_date == date(2026, 11, 18)


def test_promise_14_a_late_file_that_was_cut_short_is_not_sent_but_can_be_taken_back(world, file):
    world.release_all(MONDAY)
    BankFile.objects.filter(pk=file.pk).update(state="sending")
    part = f"{file.name}.part"
    (world.folder / "to_bank" / part).write_bytes(b"101")

    run_job("send", TUESDAY)

    assert at_the_bank(world) == [part]
    assert state(file) == "released"
    assert Case.objects.get().kind == transmission.TOO_LATE


def test_a_file_that_waits_for_its_release_too_long_is_asked_about(world, file):
    run_job("send", TUESDAY)

    assert Case.objects.get().kind == transmission.TOO_LATE


def test_the_page_of_a_late_file_says_so_and_offers_no_release(world, file, client):
    from billfold.platform import clock

    clock.move_to(TUESDAY)
    client.login(username=world.treasurers[0].email, password=PASSWORD)

    page = client.get(f"/office/files/{file.id}").content.decode()
    answer = client.post(f"/office/files/{file.id}/release", {"sha256": file.sha256})

    assert "This file is too late" in page
    assert "Approve" not in page.split("<main")[1].split("sha256")[0]
    assert answer.status_code == 422
    assert "go into the next file" in answer.content.decode()
    assert state(file) == "built"


def test_a_bank_that_stays_away_after_a_release_is_told_to_people_once(world, file):
    world.release_all(MONDAY)
    away = world.folder / "away"
    (world.folder / "to_bank").rename(away)
    run_job("send", MONDAY + timedelta(minutes=5))
    assert not Case.objects.exists()

    for minutes in (61, 62):
        run_job("send", MONDAY + timedelta(minutes=minutes))

    case = Case.objects.get()
    assert case.kind == transmission.UNREACHABLE
    away.rename(world.folder / "to_bank")
    run_job("send", MONDAY + timedelta(minutes=70))
    case.refresh_from_db()
    assert case.resolution == "It was sent"


def test_promise_18_a_payment_whose_file_was_taken_back_can_be_canceled_until_its_new_cut_off(
    world, file
):
    withdrawal.withdraw_unsent(file.pk, file.sha256, why="x", actor=world.clerk.actor(), now=MONDAY)

    payment = Payment.objects.get()
    assert payment.collect_on == date(2026, 11, 17)
    assert payment.reflected_by == date(2026, 11, 19)
    letter = Notice.objects.get(kind="withdrawn").body
    assert "again on Tuesday, November 17, 2026" in letter
    assert "by Thursday, November 19, 2026" in letter

    scheduling.cancel(payment, actor=world.actor(), now=TUESDAY)
    jobs.cut_off(TUESDAY.replace(hour=17))
    assert world.state(payment) == "canceled"
    assert BankFile.objects.filter(direction="out").count() == 1
