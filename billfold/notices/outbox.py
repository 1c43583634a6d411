"""The outbox: a message is queued in the transaction of its fact, and sent afterwards."""

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
from billfold.platform import rows
from billfold.platform.faults import fault
from billfold.platform.ids import new_ids

log = logging.getLogger("billfold.outbox")
_BATCH = 200
_LONGEST_WAIT = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Message:
    """One message about one fact; the key makes it go out once."""

    key: str
    kind: str
    to_email: str
    to_name: str
    subject: str
    body: str
    about: str


def queue(messages: Sequence[Message], *, now: datetime) -> int:
    """Write messages with the facts they speak of. Needs an open transaction."""
    reachable = [message for message in messages if message.to_email]
    if not reachable:
        return 0
    return rows.insert(
        "notices_notice",
        {
            "id": ("uuid", new_ids(len(reachable))),
            "key": ("text", [message.key for message in reachable]),
            "kind": ("text", [message.kind for message in reachable]),
            "to_email": ("text", [message.to_email for message in reachable]),
            "to_name": ("text", [message.to_name for message in reachable]),
            "subject": ("text", [message.subject for message in reachable]),
            "body": ("text", [message.body for message in reachable]),
            "about": ("text", [message.about for message in reachable]),
            "queued_at": ("timestamptz", [now] * len(reachable)),
            "attempts": ("int", [0] * len(reachable)),
            "last_error": ("text", [""] * len(reachable)),
        },
        conflict="key",
    )


def send_waiting(sender: str, *, now: datetime) -> int:
    """Send what waits, oldest first; give how many went out. A refusal is tried again later.

    Mail is sent outside any transaction, so a crash may send one message twice, never none.
    """
    waiting = Notice.objects.filter(
        Q(next_try_at=None) | Q(next_try_at__lte=now), sent_at=None
    ).order_by("queued_at", "id")[:_BATCH]
    if not waiting:
        return 0
    mail = get_connection()
    try:
        mail.open()
    except (SMTPException, OSError) as refused:
        log.warning("the mail server does not answer, so messages wait: %s", refused)
        return 0
    with mail:
        return _send(waiting, mail, sender, now)


def _send(waiting: Iterable[Notice], mail: BaseEmailBackend, sender: str, now: datetime) -> int:
    sent = 0
    for notice in waiting:
        letter = EmailMessage(
            notice.subject, notice.body, sender, [notice.to_email], connection=mail
        )
        fault("mail_begun")
        try:
            letter.send()
        except (SMTPException, OSError) as refused:
            _wait(notice, refused, now)
            continue
        fault("mail_inside")
        Notice.objects.filter(pk=notice.pk).update(sent_at=now, last_error="")
        fault("mail_committed")
        sent += 1
    return sent


def _wait(notice: Notice, refused: Exception, now: datetime) -> None:
    attempts = notice.attempts + 1
    wait = min(timedelta(minutes=2 ** min(attempts, 10)), _LONGEST_WAIT)
    Notice.objects.filter(pk=notice.pk).update(
        attempts=attempts, next_try_at=now + wait, last_error=type(refused).__name__
    )
