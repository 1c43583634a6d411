"""The directory of billers: their names, their hosts, and HOLD, during which nothing leaves."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from django.db import connection, transaction

from billfold.platform import audit, gate, live_mark, tenancy
from billfold.platform.audit import Actor
from billfold.platform.live_mark import Instance, MarkStatus
from billfold.platform.tenancy import Biller

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\Z")


class NotAHost(ValueError):
    """A host is a name such as billing.example.com, in lower case, without https:// and port."""


class HostTaken(Exception):
    """Another biller is served under that name."""


class LastHost(Exception):
    """A biller without a host cannot be reached."""


def check_host(host: str) -> str:
    """Read a host name. Raises: NotAHost."""
    if host != tenancy.ANY_HOST and not (len(host) <= 253 and _HOST.match(host)):
        raise NotAHost(host)
    return host


def hosts(biller: Biller) -> list[str]:
    """List the hosts a biller is served under."""
    with tenancy.no_biller(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT host FROM public.biller_host WHERE schema = %s ORDER BY host", [biller.schema]
        )
        return [host for (host,) in cursor.fetchall()]


def set_hosts(biller: Biller, new_hosts: Sequence[str], *, actor: Actor, now: datetime) -> None:
    """Serve a biller under exactly these hosts. Raises: NotAHost, HostTaken, LastHost."""
    if not new_hosts:
        raise LastHost(biller.schema)
    names = sorted({check_host(host) for host in new_hosts})
    before = hosts(biller)
    with tenancy.as_owner(biller), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT host FROM public.biller_host WHERE host = ANY(%s) AND schema <> %s",
            [names, biller.schema],
        )
        if taken := cursor.fetchone():
            raise HostTaken(taken[0])
        cursor.execute("DELETE FROM public.biller_host WHERE schema = %s", [biller.schema])
        cursor.executemany(
            "INSERT INTO public.biller_host (host, schema) VALUES (%s, %s)",
            [(host, biller.schema) for host in names],
        )
        audit.record(
            "hosts changed",
            f"biller/{biller.schema}",
            actor=actor,
            now=now,
            before={"hosts": before},
            after={"hosts": names},
        )


def rename(biller: Biller, name: str, *, actor: Actor, now: datetime) -> None:
    """Give a biller another name in the directory."""
    with tenancy.as_owner(biller), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.biller SET name = %s WHERE schema = %s", [name, biller.schema]
        )
        audit.record(
            "biller renamed",
            f"biller/{biller.schema}",
            actor=actor,
            now=now,
            before={"name": biller.name},
            after={"name": name},
        )


# -- HOLD --------------------------------------------------------------------------------------


def mark_status() -> MarkStatus:
    """Compare this installation's live mark with the database."""
    with tenancy.no_biller(), connection.cursor() as cursor:
        return live_mark.status(cursor)


def instance() -> Instance | None:
    """Read which installation the database belongs to."""
    with tenancy.no_biller(), connection.cursor() as cursor:
        return live_mark.instance(cursor)


def hold(
    billers: Sequence[Biller],
    *,
    why: str,
    actor: Actor,
    now: datetime,
    on_wait: Callable[[Biller, Sequence[str]], None] = lambda _biller, _acts: None,
) -> None:
    """Put these billers on HOLD, and return once nothing of theirs is on its way any more.

    `on_wait` learns what is, before this waits for it; whatever has not begun does not begin.
    """
    for biller in billers:
        _set_state(biller, "hold", why=why, actor=actor, now=now)
    for biller in billers:
        with tenancy.no_biller():
            gate.wait_until_empty(biller, partial(on_wait, biller))


def lift_hold(billers: Sequence[Biller], *, why: str, actor: Actor, now: datetime) -> None:
    """Take these billers off HOLD: what waits there may leave.

    On a copy this also makes the copy the live installation. Billers that are not named are put on
    HOLD first, because only the missing mark held theirs back.
    """
    is_copy = mark_status() is not MarkStatus.MATCHES
    lifted = {biller.schema for biller in billers}
    if is_copy:
        others = [other for other in tenancy.billers() if other.schema not in lifted]
        hold(others, why=f"not lifted with {', '.join(sorted(lifted))}", actor=actor, now=now)
    for biller in billers:
        _set_state(biller, "open", why=why, actor=actor, now=now)
    if is_copy:
        with tenancy.no_biller(), connection.cursor() as cursor:
            live_mark.write(cursor)


def _set_state(biller: Biller, state: str, *, why: str, actor: Actor, now: datetime) -> None:
    with tenancy.as_owner(biller), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT state FROM public.biller WHERE schema = %s FOR UPDATE", [biller.schema]
        )
        before = cursor.fetchone()[0]
        cursor.execute(
            "UPDATE public.biller SET state = %s WHERE schema = %s", [state, biller.schema]
        )
        audit.record(
            "hold set" if state == "hold" else "hold lifted",
            f"biller/{biller.schema}",
            actor=actor,
            now=now,
            before={"state": before},
            after={"state": state, "why": why},
        )
