"""The audit trail: each change leaves an entry, and the entries are sealed into a hash chain.

An entry is written in the transaction of its change, so both are committed or neither. A job seals
entries a moment later, so that no two changes wait for each other because of the chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final

from django.db import connection, transaction

from billfold.platform import locks, rows
from billfold.platform.ids import new_id
from billfold.platform.models import AuditEntry, AuditLink, AuditSeal

request_id: ContextVar[str] = ContextVar("request_id", default="")
HAS_WORK: Final = "EXISTS (SELECT FROM platform_auditunsealed)"
"""Whether `seal` has something to do: an SQL condition."""
_SEAL_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, or a job by its name."""

    id: str
    name: str
    on_behalf_of: str = ""


def job(name: str) -> Actor:
    """Name a background job as the actor."""
    return Actor(id=f"job/{name}", name=name)


def record(
    action: str,
    subject: str,
    *,
    actor: Actor,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry, in the transaction of the change it is about."""
    write([new_entry(action, subject, actor=actor, now=now, before=before, after=after)])


def write(entries: Sequence[AuditEntry]) -> None:
    """Write many entries at once."""
    rows.insert_objects(entries)


def new_entry(
    action: str,
    subject: str,
    *,
    actor: Actor,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Make an entry for `write`."""
    return AuditEntry(
        id=new_id(),
        at=now,
        actor_id=actor.id,
        actor_name=actor.name,
        on_behalf_of=actor.on_behalf_of,
        action=action,
        subject=subject,
        before=dict(before or {}),
        after=dict(after or {}),
        request_id=request_id.get(),
    )


def last(subject: str, actions: Sequence[str]) -> AuditEntry | None:
    """Return the newest entry of these actions on a subject, such as who decided on a file."""
    entries = AuditEntry.objects.filter(subject=subject, action__in=actions)
    return entries.order_by("-at", "-id").first()


SEALED_FIELDS: Final = (
    "id",
    "at",
    "actor_id",
    "actor_name",
    "on_behalf_of",
    "action",
    "subject",
    "before",
    "after",
    "request_id",
)
"""What a seal covers of an entry, in the order in which it is hashed."""
# Made once: `json.dumps` makes one for each call that is not by its defaults.
_CANONICAL_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def chain_hash(previous: str, entries: Iterable[Sequence[Any]]) -> str:
    """Hash a seal: the seal before it, then the SEALED_FIELDS of its entries in order."""
    digest = hashlib.sha256(previous.encode())
    for entry_id, at, *others in entries:
        moment = at.astimezone(UTC).isoformat(timespec="microseconds")
        digest.update(_CANONICAL_JSON.encode([str(entry_id), moment, *others]).encode())
    return digest.hexdigest()


def seal(*, now: datetime) -> int:
    """Seal the entries that are not sealed yet; return how many. One seal is made at a time.

    Reads the list of what waits, never the trail: an entry comes onto it with its own commit.
    """
    with transaction.atomic(durable=True):
        locks.until_commit("audit seal")
        entries = list(
            AuditEntry.objects.exclude(auditunsealed=None).order_by("auditunsealed__entry_id")[
                :_SEAL_AT_MOST
            ]
        )
        if not entries:
            return 0
        last = AuditSeal.objects.order_by("-number").first()
        new_seal = AuditSeal.objects.create(
            number=last.number + 1 if last else 1,
            at=now,
            hash=chain_hash(last.hash if last else "", map(attrgetter(*SEALED_FIELDS), entries)),
        )
        AuditLink.objects.bulk_create(
            AuditLink(entry=entry, seal=new_seal, position=position)
            for position, entry in enumerate(entries)
        )
        with connection.cursor() as cursor:
            cursor.execute(
                """DELETE FROM platform_auditunsealed u USING platform_auditlink l
                   WHERE l.seal_id = %s AND u.entry_id = l.entry_id""",
                [new_seal.number],
            )
        return len(entries)
