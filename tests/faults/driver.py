"""The acts of the processes that are killed, one after another, on one database.

A web process acts as a person's click does; a worker attempts jobs as `billfold worker` does.
"""

from __future__ import annotations

import os
import resource
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billfold.config.settings")
django.setup()

from django.conf import settings as django_settings  # noqa: E402
from django.db import connection, connections, transaction  # noqa: E402
from django.test import Client  # noqa: E402

from billfold import jobs  # noqa: E402
from billfold.banking import file_approvals  # noqa: E402
from billfold.banking.models import BankConnection, BankFile  # noqa: E402
from billfold.notices import outbox  # noqa: E402
from billfold.notices.models import Notice  # noqa: E402
from billfold.payments.accounts.bank_accounts import TypedAccount  # noqa: E402
from billfold.payments.accounts.mandates import Consent, Validation  # noqa: E402
from billfold.payments.models import Case  # noqa: E402
from billfold.payments.outgoing import transmission  # noqa: E402
from billfold.payments.paying import scheduling  # noqa: E402
from billfold.payments.proof import report as proof  # noqa: E402
from billfold.people.models import Person  # noqa: E402
from billfold.platform import clock, sealing, tenancy  # noqa: E402
from billfold.platform.ids import new_id  # noqa: E402
from billfold.platform.models import ItemFailure  # noqa: E402
from billfold.platform.postgres.logins import Login  # noqa: E402
from billfold.platform.postgres.server import USERS  # noqa: E402
from billfold.receivables.models import Customer, Invoice  # noqa: E402
from billfold.simulator import days  # noqa: E402
from billfold.worker import loop  # noqa: E402
from tests import waiting  # noqa: E402
from tests.world import PAYERS_BANK, World, usd  # noqa: E402

GOOD: Final = "600D-0000-0000-0001"
BAD: Final = "BAD0-0000-0000-0002"
THIRD: Final = "7H1R-0000-0000-0003"
AMOUNTS: Final = {
    GOOD: ("CL-1", "346.18", "4417006789"),
    BAD: ("CL-2", "120.00", "4400000001"),
    THIRD: ("CL-3", "75.00", "4417006789"),
}
PLACES: Final = ("to_bank", "taken")
"""Where the bank has what we sent."""
TREASURERS: Final = ("priya@cedarline.example", "jonah@cedarline.example")


def serve(pipe: Connection, database: dict[str, str], environment: dict[str, str]) -> None:
    """Carry out each act that comes through the pipe and send back its result, until killed."""
    os.environ.update(environment)
    for login in Login:
        address = {"USER": USERS[login], "PORT": "5432", **database}
        connections.settings[login].update(address)
    with suppress(EOFError):
        while True:
            act, arguments = pipe.recv()
            try:
                answer = ("ended", ACTS[act](**arguments))
            except Exception as error:
                connection.close()
                answer = ("raised", f"{type(error).__name__}: {error}")
            pipe.send(answer)


def _biller() -> tenancy.Biller:
    return tenancy.biller("cedarline")


def prepare(folder: str, now: datetime) -> None:
    """Make the biller with its small world, and schedule the payment that will come back."""
    sealing.make_keys()
    tenancy.install()
    with tenancy.use(tenancy.add("cedarline", "Cedarline Communications", ["testserver"])):
        world = World(biller=tenancy.current(), folder=Path(folder), now=now)
        for number, amount, _ in AMOUNTS.values():
            world.invoice(number, amount)
    pay(BAD, now=now)
    connection.close()


# -- What a web process does -----------------------------------------------------------------


def intent(reference: str, now: datetime) -> scheduling.Intent:
    """Write what the payer's form asks for; the same each time it is sent."""
    number, amount, account = AMOUNTS[reference]
    payer = Person.objects.get(email="dana@hollis-wren.example").actor()
    return scheduling.Intent(
        reference=reference,
        customer_id=Customer.objects.get().id,
        shares={Invoice.objects.get(number=number).id: usd(amount)},
        account=TypedAccount(
            routing_number=PAYERS_BANK,
            account_number=account,
            account_type="checking",
            holder="personal",
            holder_name="Dana Osei",
            bank_name="Pacific Lantern Bank",
        ),
        authority=Consent(
            text="I authorize this debit.",
            agreed_by=payer,
            ip_address="192.0.2.7",
            user_agent="test",
        ),
        actor=payer,
        validation=Validation(by="bank_service", evidence="ok", at=now),
    )


def pay(reference: str, now: datetime) -> str:
    """Press Pay."""
    with tenancy.use(_biller()):
        [scheduled] = scheduling.schedule([intent(reference, now)], now=now)
        return f"{scheduled.payment.reference} {scheduled.payment.id}"


def pay_at_once(reference: str, now: datetime, times: int) -> list[str]:
    """Press Pay in many threads, each with a connection of its own, at the same moment."""
    ready = threading.Barrier(times)

    def press() -> str:
        try:
            with tenancy.use(_biller()):
                intended = intent(reference, now)
                ready.wait(waiting.HUNG_AFTER_SECONDS)
                [scheduled] = scheduling.schedule([intended], now=now)
                return f"{scheduled.payment.reference} {scheduled.payment.id} {scheduled.is_new}"
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        presses = [pool.submit(press) for _ in range(times)]
        return [pressed.result() for pressed in presses]


def pay_two_ways(now: datetime) -> list[str]:
    """Press Pay in two tabs at the same moment, with one reference and two invoices."""
    ready = threading.Barrier(2)

    def press(reference: str) -> str:
        try:
            with tenancy.use(_biller()):
                intended = replace(intent(reference, now), reference="one-reference")
                ready.wait(waiting.HUNG_AFTER_SECONDS)
                scheduling.schedule([intended], now=now)
                return "paid"
        except Exception as refusal:
            return type(refusal).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(press, (GOOD, THIRD)))


def look(
    path: str,
    form: dict[str, Any] | None = None,
    cookies: dict[str, str] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Answer a browser with a page, through all the middleware of the web application."""
    if now is not None:
        clock.move_to(now)
    browser = Client(raise_request_exception=False)
    browser.cookies.load(cookies or {})
    answer = browser.get(path) if form is None else browser.post(path, form)
    return {
        "status": answer.status_code,
        "headers": dict(answer.headers),
        "body": answer.content.decode(),
        "cookies": {name: cookie.value for name, cookie in browser.cookies.items()},
    }


def mail_is_down() -> None:
    """Point mail at a port where nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        django_settings.EMAIL_PORT = closed.getsockname()[1]
    django_settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"


def disk_is_full() -> None:
    """Let no file grow beyond its first bytes."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, most))


def disk_has_room() -> None:
    """Let files grow again."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def mail_is_back() -> None:
    """Let mail be taken."""
    django_settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def approve(treasurer: int, now: datetime) -> None:
    """Press Approve on the one file; that it is approved already is no failure."""
    with tenancy.use(_biller()):
        actor = Person.objects.get(email=TREASURERS[treasurer]).actor()
        for file in BankFile.objects.filter(direction="out", state="built"):
            with suppress(file_approvals.NotWaiting, file_approvals.ApprovedAlready):
                file_approvals.approve(file.pk, file.sha256, actor=actor, now=now)


# -- What a worker does ----------------------------------------------------------------------


def job(name: str, now: datetime) -> float:
    """Attempt one job, whatever comes of it."""
    [job_] = [each for each in jobs.JOBS if each.name == name]
    return loop.attempt(job_, _biller(), now=now)


# -- What the world does ---------------------------------------------------------------------


def bank(now: datetime) -> None:
    """Let the simulated bank do what is due."""
    with tenancy.use(_biller()):
        days.bank_of(BankConnection.objects.get()).act(now)


def spoil_a_letter(now: datetime) -> None:
    """Queue a letter that cannot be sent; the next try at it is the last before it is parked."""
    with tenancy.use(_biller()):
        letter = Notice.objects.order_by("queued_at", "id")[0]
        spoilt = outbox.NewNotice(
            key="spoilt",
            kind=letter.kind,
            to_email=letter.to_email,
            to_name=letter.to_name,
            subject="Two\nlines",
            body=letter.body,
            about=letter.about,
        )
        with transaction.atomic():
            outbox.queue([spoilt], now=now)
        ItemFailure.objects.create(
            id=new_id(),
            job=outbox.JOB,
            item=str(Notice.objects.get(key=spoilt.key).pk),
            attempts=django_settings.MOST_FAILURES - 1,
            error="BadHeaderError",
            next_try_at=now,
        )


def live(moments: list[datetime]) -> None:
    """Let bank, worker and treasurers do all that is due at each moment."""
    biller = _biller()
    for now in moments:
        bank(now)
        jobs.run_once(biller, now=now)
        ask_the_bank(now)
        for treasurer in range(len(TREASURERS)):
            approve(treasurer, now)
        jobs.run_once(biller, now=now)
        bank(now)
    jobs.run_once(biller, now=moments[-1])


def ask_the_bank(now: datetime) -> None:
    """Let a treasurer find out what became of a file of which nobody knows whether it arrived."""
    with tenancy.use(_biller()):
        actor = Person.objects.get(email=TREASURERS[0]).actor()
        bank_folder = Path(BankConnection.objects.get().transport["to_bank"]).parent
        for case in Case.objects.filter(kind=transmission.KIND, closed_at=None):
            name = BankFile.objects.get(pk=case.evidence.removeprefix("bankfile/")).name
            has_arrived = any((bank_folder / place / name).exists() for place in PLACES)
            transmission.resolve(
                case.id, "Called the bank", has_arrived=has_arrived, actor=actor, now=now
            )


def verify(now: datetime) -> list[Any]:
    """Check every promise; give those that are broken, with the first offenders."""
    report = proof.run(_biller(), now=now)
    return [(kept.promise, kept.title, kept.first) for kept in report.promises if kept.offenders]


def hang_up() -> None:
    """Close the connection."""
    connection.close()


ACTS: Final[dict[str, Callable[..., Any]]] = {
    act.__name__: act
    for act in (
        *(prepare, bank, spoil_a_letter, live, verify, hang_up),
        *(pay, pay_at_once, pay_two_ways, approve, look),
        *(job, mail_is_down, mail_is_back, disk_is_full, disk_has_room),
    )
}
