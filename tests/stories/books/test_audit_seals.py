"""The audit trail is sealed from a list of what is new, however long it has become."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from billfold.platform import audit, locks, tenancy
from billfold.platform.models import AuditEntry, AuditLink, AuditUnsealed


def add_entry(subject: str, now) -> None:
    audit.record("something changed", subject, actor=audit.job("test"), now=now)


def test_promise_25_every_entry_is_sealed_once_also_one_that_came_late(cedarline, now):
    add_entry("first", now)
    assert audit.seal(now=now) == 1

    add_entry("committed late", now - timedelta(hours=1))
    add_entry("second", now + timedelta(seconds=1))

    assert audit.seal(now=now) == 2
    assert audit.seal(now=now) == 0
    assert AuditLink.objects.count() == AuditEntry.objects.count() == 3
    assert not AuditUnsealed.objects.exists()


def test_promise_25_whoever_writes_an_entry_puts_it_on_the_list(cedarline, now):
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO platform_auditentry (id, at, actor_id, actor_name, on_behalf_of, action,
                   subject, before, after, request_id)
               SELECT gen_random_uuid(), %s, '', '', '', 'repaired', 'x', '{}', '{}', ''
               FROM generate_series(1, 3)""",
            [now],
        )

    assert audit.seal(now=now) == 3


def test_a_seal_that_finds_nothing_new_does_not_read_the_trail(cedarline, now):
    add_entry("first", now)
    audit.seal(now=now)

    with CaptureQueriesContext(connection) as queries:
        assert audit.seal(now=now) == 0

    [listing] = [query["sql"] for query in queries if "platform_auditentry" in query["sql"]]
    assert 'INNER JOIN "platform_auditunsealed"' in listing


def read_locks() -> set[tuple[int, int]]:
    """Read the advisory locks of this connection."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT classid::bigint, objid::bigint FROM pg_locks
               WHERE locktype = 'advisory' AND pid = pg_backend_pid()"""
        )
        return set(cursor.fetchall())


@pytest.mark.parametrize("is_shared", [False, True])
def test_promise_22_a_lock_of_one_biller_is_never_that_of_another(outside_transaction, is_shared):
    held = []
    for biller in tenancy.billers():
        with tenancy.use(biller), transaction.atomic():
            locks.until_commit("audit seal", is_shared=is_shared)
            held.append(read_locks())

    assert [len(each) for each in held] == [1, 1]
    assert held[0].isdisjoint(held[1])


def test_a_lock_until_the_commit_needs_a_transaction(outside_transaction):
    with pytest.raises(TransactionManagementError):
        locks.until_commit("audit seal")
