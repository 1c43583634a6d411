"""The outbox: a message is queued in the transaction of the fact it is about, and sent later."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Q

from billfold.notices.models import Notice
from billfold.platform import gate, rows, tenancy
from billfold.platform.faults import fault
from billfold.platform.gate import GateClosed, OutwardAct
from billfold.platform.ids import new_ids

log = logging.getLogger("billfold.outbox")
_BATCH = 200
_LONGEST_WAIT = timedelta(hours=6)


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


def send_waiting(sender: str, *, now: datetime) -> int:
    """Send what waits, oldest first; return how many were sent. What fails is tried again later.

    Mail is sent outside any transaction, so a crash may send one message twice, never none. While
    nothing may leave, all of it waits.
    """
    waiting = Notice.objects.filter(
        Q(next_try_at=None) | Q(next_try_at__lte=now), sent_at=None
    ).order_by("queued_at", "id")[:_BATCH]
    if not waiting:
        return 0
    if gate.why_closed(tenancy.current()):
        return 0
    mail = get_connection()
    try:
        mail.open()
    except (SMTPException, OSError) as error:
        log.warning("the mail server does not answer, so messages wait: %s", error)
        return 0
    with mail:
        return _send(waiting, mail, sender, now)


def _send(waiting: Iterable[Notice], mail: BaseEmailBackend, sender: str, now: datetime) -> int:
    sent = 0
    for notice in waiting:
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
            break
        except (SMTPException, OSError) as error:
            _postpone(notice, error, now)
            continue
        fault("mail_committed")
        sent += 1
    return sent


def _postpone(notice: Notice, error: Exception, now: datetime) -> None:
    """Try a notice again after a while that doubles with each failure."""
    attempts = notice.attempts + 1
    wait = min(timedelta(minutes=2 ** min(attempts, 10)), _LONGEST_WAIT)
    Notice.objects.filter(pk=notice.pk).update(
        attempts=attempts, next_try_at=now + wait, last_error=type(error).__name__
    )
