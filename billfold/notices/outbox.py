"""The outbox: a message is queued in the transaction of the fact it is about, and sent later."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPServerDisconnected
from typing import Final

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Q

from billfold.notices.models import Notice
from billfold.platform import gate, rows, tenancy
from billfold.platform.far_sides import Contact
from billfold.platform.faults import fault
from billfold.platform.gate import GateClosed, OutwardAct
from billfold.platform.ids import new_ids

log = logging.getLogger("billfold.outbox")
_BATCH = 200
_LONGEST_WAIT = timedelta(hours=6)
HAS_WORK: Final = """EXISTS (
    SELECT FROM notices_notice WHERE sent_at IS NULL
    AND (next_try_at IS NULL OR next_try_at <= %(now)s::timestamptz))"""
"""Whether `send_waiting` has something to do: an SQL condition."""
BEGIN_FOR_SECONDS = 30.0
"""So long a try begins another message."""
DEADLINE_SECONDS = 60.0
"""When a try ends, whatever the mail server does: its connection is cut."""


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A message to queue; a key that is queued already is not queued again."""

    key: str
    kind: str
    to_email: str
    to_name: str
    subject: str
    body: str
    about: str


def queue(messages: Sequence[NewNotice], *, now: datetime) -> int:
    """Queue messages to people who have an e-mail; return how many are new.

    Needs an open transaction: that of the facts the messages are about.
    """
    addressed = [message for message in messages if message.to_email]
    if not addressed:
        return 0
    return rows.insert(
        "notices_notice",
        {
            "id": ("uuid", new_ids(len(addressed))),
            "key": ("text", [message.key for message in addressed]),
            "kind": ("text", [message.kind for message in addressed]),
            "to_email": ("text", [message.to_email for message in addressed]),
            "to_name": ("text", [message.to_name for message in addressed]),
            "subject": ("text", [message.subject for message in addressed]),
            "body": ("text", [message.body for message in addressed]),
            "about": ("text", [message.about for message in addressed]),
            "queued_at": ("timestamptz", [now] * len(addressed)),
            "attempts": ("int", [0] * len(addressed)),
            "last_error": ("text", [""] * len(addressed)),
        },
        conflict="key",
    )


def send_waiting(sender: str, *, now: datetime) -> Contact | None:
    """Send what waits, oldest first; say whether the mail server answered, if it was asked.

    What fails is tried again later. Mail is sent outside any transaction, so a crash may send one
    message twice, never none. While nothing may leave, all of it waits.
    """
    waiting = Notice.objects.filter(
        Q(next_try_at=None) | Q(next_try_at__lte=now), sent_at=None
    ).order_by("queued_at", "id")[:_BATCH]
    if not waiting or gate.why_closed(tenancy.current()):
        return None
    mail = get_connection()
    try:
        mail.open()
    except (SMTPException, OSError) as error:
        log.warning("the mail server does not answer, so messages wait: %s", error)
        return Contact(str(error) or type(error).__name__)
    with mail, _cut_at_deadline(mail):
        return _send(waiting, mail, sender, now)


@contextmanager
def _cut_at_deadline(mail: BaseEmailBackend) -> Iterator[None]:
    """Cut the connection to a mail server that has not done with us in time."""

    def cut() -> None:
        session = getattr(mail, "connection", None)
        if session is not None and session.sock is not None:
            # An encrypted socket's own `shutdown` would pull the encryption from under its reader.
            socket.socket.shutdown(session.sock, socket.SHUT_RDWR)

    timer = threading.Timer(DEADLINE_SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _send(
    waiting: Iterable[Notice], mail: BaseEmailBackend, sender: str, now: datetime
) -> Contact | None:
    begin_until = time.monotonic() + BEGIN_FOR_SECONDS
    for notice in waiting:
        if time.monotonic() > begin_until:
            break
        email = EmailMessage(
            notice.subject, notice.body, sender, [notice.to_email], connection=mail
        )
        fault("mail_begun")
        try:
            with gate.open(tenancy.current(), OutwardAct.MAIL, "a message"):
                email.send()
                fault("mail_inside")
                Notice.objects.filter(pk=notice.pk).update(sent_at=now, last_error="")
        except GateClosed:
            return None
        except (SMTPException, OSError) as error:
            _postpone(notice, error, now)
            if _is_broken_off(error):
                log.warning("the mail server broke off, so messages wait: %s", error)
                return Contact(str(error) or type(error).__name__)
            continue
        fault("mail_committed")
    return Contact()


def _is_broken_off(error: OSError) -> bool:
    """Say whether the connection is gone, rather than one message refused."""
    return isinstance(error, SMTPServerDisconnected) or not isinstance(error, SMTPException)


def _postpone(notice: Notice, error: Exception, now: datetime) -> None:
    """Try a notice again after a while that doubles with each failure."""
    attempts = notice.attempts + 1
    wait = min(timedelta(minutes=2 ** min(attempts, 10)), _LONGEST_WAIT)
    Notice.objects.filter(pk=notice.pk).update(
        attempts=attempts, next_try_at=now + wait, last_error=type(error).__name__
    )
