"""A mail server that stops talking is cut at the deadline; staff see that messages wait."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.test import Client
from django.urls import reverse

from billfold.cli import doctor_checks
from billfold.notices import outbox
from billfold.notices.models import Notice
from billfold.platform import far_sides
from billfold.platform.far_sides import Contact
from billfold.platform.models import ItemFailure, Silence
from tests.conftest import MONDAY
from tests.waiting import HUNG_AFTER_SECONDS
from tests.world import World, run_job


@dataclass
class Tarpit:
    """A mail server that answers each line, until the one with which it falls silent."""

    listener: socket.socket
    silent_from: bytes
    heard: list[bytes] = field(default_factory=list)
    sessions: list[socket.socket] = field(default_factory=list)

    def serve(self) -> None:
        while True:
            try:
                session = self.listener.accept()[0]
            except OSError:
                return
            self.sessions.append(session)
            self._talk(session)

    def _talk(self, session: socket.socket) -> None:
        session.sendall(b"220 here\r\n")
        with session.makefile("rb") as lines:
            for line in lines:
                self.heard.append(line.strip())
                if line.upper().startswith(self.silent_from):
                    continue  # It reads on, but never answers any more.
                answer = b"354 go on\r\n" if line.upper().startswith(b"DATA") else b"250 ok\r\n"
                session.sendall(answer)


@pytest.fixture
def tarpit(settings: object) -> Iterator[Tarpit]:
    """Listen as the mail server."""
    server = Tarpit(socket.create_server(("127.0.0.1", 0)), silent_from=b"MAIL")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.listener.getsockname()
    settings.EMAIL_TIMEOUT = HUNG_AFTER_SECONDS
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server
    server.listener.shutdown(socket.SHUT_RDWR)
    server.listener.close()
    for session in server.sessions:
        session.close()
    thread.join(HUNG_AFTER_SECONDS)


@pytest.fixture
def mails(world: World) -> list[Notice]:
    """Let two messages wait."""
    world.pay(world.invoice("CL-1", "120.00"))
    world.pay(world.invoice("CL-2", "80.00"))
    return list(Notice.objects.filter(sent_at=None).order_by("queued_at", "id"))


def test_promise_18_a_mail_server_that_stops_talking_is_cut_and_the_rest_waits(
    world, mails, tarpit, monkeypatch
):
    monkeypatch.setattr(outbox, "DEADLINE_SECONDS", 0.5)

    run_job("mail", MONDAY)

    assert sum(line.startswith(b"mail FROM") for line in tarpit.heard) == 1
    assert list(Notice.objects.filter(sent_at=None).order_by("queued_at", "id")) == mails
    put_off = ItemFailure.objects.get()
    assert (put_off.item, put_off.attempts, put_off.parked_at) == (str(mails[0].id), 0, None)
    assert put_off.next_try_at > MONDAY
    assert Silence.objects.get().job == "mail"


def test_a_try_begins_no_message_after_its_time(world, mails, settings, monkeypatch):
    monkeypatch.setattr(outbox, "BEGIN_FOR_SECONDS", -1.0)
    run_job("mail", MONDAY)
    assert Notice.objects.filter(sent_at=None).count() == len(mails)

    monkeypatch.undo()
    run_job("mail", MONDAY)
    assert not Notice.objects.filter(sent_at=None).exists()


def page(world: World, name: str) -> str:
    client = Client()
    client.force_login(world.clerk)
    return client.get(reverse(name)).text


def test_staff_see_what_does_not_answer_until_it_does(world):
    for job, far_side in (("send", "Operating"), ("mail", "mail server")):
        for _ in range(2):
            far_sides.record(job, far_side, Contact("connection refused"), now=MONDAY)

    files, outbox_page = page(world, "office:files"), page(world, "office:outbox")
    assert "Operating: the bank does not take files" in files
    assert "Tried 2 times since 9:00 am ET: connection refused." in files
    assert "The mail server does not answer" not in files
    assert "The mail server does not answer" in outbox_page
    words = " ".join(each.words for each in doctor_checks.check_silences(world.biller))
    assert "Operating has not answered since 2026-11-16 14:00 UTC, tried 2 times" in words

    for job, far_side in (("send", "Operating"), ("mail", "mail server")):
        far_sides.record(job, far_side, Contact(), now=MONDAY)
    assert "does not" not in page(world, "office:files")
    assert "does not answer" not in page(world, "office:outbox")
    assert list(doctor_checks.check_silences(world.biller)) == []


def test_what_a_far_side_says_is_shown_as_one_line_without_account_numbers(world):
    far_sides.record("fetch", "Operating", Contact("no\n4417006789\u202e"), now=MONDAY)

    reason = Silence.objects.get().reason
    assert "\n" not in reason
    assert "4417006789" not in reason
    assert "\u202e" not in reason
