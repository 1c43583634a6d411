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
from typing import Any

from django.db import connection, transaction

from billfold.platform import rows
from billfold.platform.ids import new_id
from billfold.platform.models import AuditEntry, AuditLink, AuditSeal

request_id: ContextVar[str] = ContextVar("request_id", default="")
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


def chain_hash(previous: str, entries: Iterable[AuditEntry]) -> str:
    """Hash a seal: the seal before it, then its entries in order."""
    digest = hashlib.sha256(previous.encode())
    for entry in entries:
        digest.update(_canonical_bytes(entry))
    return digest.hexdigest()


def _canonical_bytes(entry: AuditEntry) -> bytes:
    fields = [
        str(entry.id),
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor_id,
        entry.actor_name,
        entry.on_behalf_of,
        entry.action,
        entry.subject,
        entry.before,
        entry.after,
        entry.request_id,
    ]
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def seal(*, now: datetime) -> int:
    """Seal the entries that are not sealed yet; return how many. One seal is made at a time."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('audit.seal'))")
        entries = list(
            AuditEntry.objects.filter(auditlink=None).order_by("at", "id")[:_SEAL_AT_MOST]
        )
        if not entries:
            return 0
        last = AuditSeal.objects.order_by("-number").first()
        new_seal = AuditSeal.objects.create(
            number=last.number + 1 if last else 1,
            at=now,
            hash=chain_hash(last.hash if last else "", entries),
        )
        AuditLink.objects.bulk_create(
            AuditLink(entry=entry, seal=new_seal, position=position)
            for position, entry in enumerate(entries)
        )
        return len(entries)
