"""The books: post transfers, read balances, bookings and the trial balance.

Every function takes many. Transfers are added, never changed; PostgreSQL enforces it by privilege.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import Error, connection

from billfold import bankdays
from billfold.ledger.chart import RECEIVABLE, UNAPPLIED, Account, AccountCode
from billfold.ledger.transfer import Transfer
from billfold.money import Money
from billfold.platform import locks, rows
from billfold.platform.ids import new_id, new_ids

HAS_WORK: Final = """EXISTS (
    SELECT FROM ledger_movement GROUP BY code, currency, booked_on HAVING count(*) > 1)"""
"""Whether `roll_up` has something to do: an SQL condition."""
_CHUNK = 5_000
_KEY_REUSED = "BF001"
_NOTHING_TO_REVERSE = "BF002"
_NOT_AN_APPLICATION = "BF004"
_CHECK_VIOLATION = "23514"


class KeyReused(Exception):
    """A transfer has a key that is booked already, with other content."""


class NothingToReverse(Exception):
    """A reversal does not mirror the transfer it names."""


class NotAnApplication(Exception):
    """A transfer applies money to what another customer owes, or to something that is not owed."""


class WrongSide(Exception):
    """A balance would go to the side it may not be on: an invoice below zero, money used twice."""


@dataclass(frozen=True, slots=True)
class Posted:
    """How many transfers were booked, and how many had been booked before."""

    new: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Booking:
    """One transfer as it stands in the books."""

    key: str
    effective_date: date
    """The day of the fact."""
    booked_on: date
    """The day of the books, no earlier."""
    posted_at: datetime
    reason: str
    evidence: str
    debit: Account
    credit: Account
    amount: Money


@dataclass(frozen=True, slots=True)
class Application:
    """Waiting money that stands on an invoice or charge; what was taken off is none."""

    key: str
    """Of the transfer that applied it."""
    source: Account
    target: Account
    party: UUID
    """The customer of both."""
    amount: Money
    effective_date: date
    evidence: str

    def taken_off(self, *, key: str, on: date, evidence: str) -> Transfer:
        """Return the transfer that takes it off."""
        return Transfer(
            key=key,
            debit=self.target,
            credit=self.source,
            amount=self.amount,
            effective_date=on,
            reason="unapplied",
            party=self.party,
            evidence=evidence,
            reverses=self.key,
        )


@dataclass(frozen=True, slots=True)
class TrialBalanceRow:
    """The sums of one account code in one currency."""

    code: str
    debits: Money
    credits: Money


def post(transfers: Sequence[Transfer], *, now: datetime) -> Posted:
    """Book transfers, all of them or none. Needs an open transaction.

    Raises: KeyReused, NothingToReverse, NotAnApplication, WrongSide.
    """
    new = 0
    for start in range(0, len(transfers), _CHUNK):
        new += _post_chunk(transfers[start : start + _CHUNK], now)
    return Posted(new=new, repeated=len(transfers) - new)


def _post_chunk(chunk: Sequence[Transfer], now: datetime) -> int:
    columns: list[tuple[str, Sequence[Any]]] = [
        ("uuid", new_ids(len(chunk))),
        ("text", [t.key for t in chunk]),
        ("text", [t.debit.code.value for t in chunk]),
        ("text", [t.debit.subject for t in chunk]),
        ("text", [t.credit.code.value for t in chunk]),
        ("text", [t.credit.subject for t in chunk]),
        ("bigint", [t.amount.minor for t in chunk]),
        ("text", [t.amount.currency for t in chunk]),
        ("date", [t.effective_date for t in chunk]),
        ("text", [t.reason for t in chunk]),
        ("text", [t.evidence for t in chunk]),
        ("text", [t.reverses for t in chunk]),
        ("uuid", [t.party for t in chunk]),
        ("uuid", new_ids(2 * len(chunk))),
    ]
    arguments = [rows.array_literal(kind, column) for kind, column in columns]
    parameters = ", ".join(f"%s::{kind}[]" for kind, _ in columns)
    with connection.cursor() as cursor:
        try:
            cursor.execute(
                f"SELECT ledger_post({parameters}, %s::uuid, %s::timestamptz)",
                [*arguments, new_id(), now],
            )
        except Error as error:
            raise _refusal(error) from error
        row: tuple[int] = cursor.fetchone()
        return row[0]


def _refusal(error: Error) -> Exception:
    """Return our own exception for an error of `ledger_post`, by its SQLSTATE."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    diagnosis = getattr(cause, "diag", None)
    text = getattr(diagnosis, "message_primary", None) or str(error)
    if state == _KEY_REUSED:
        return KeyReused(text)
    if state == _NOTHING_TO_REVERSE:
        return NothingToReverse(text)
    if state == _NOT_AN_APPLICATION:
        return NotAnApplication(text)
    if state == _CHECK_VIOLATION:
        return WrongSide(text)
    return error


def balances(accounts: Iterable[Account], *, currency: str = "USD") -> dict[Account, Money]:
    """Read debits less credits of accounts with subjects; of an account without bookings, zero."""
    distinct = list(dict.fromkeys(accounts))
    sums = dict.fromkeys(distinct, Money(0, currency))
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT code, subject, debits_minor - credits_minor FROM ledger_account
               WHERE currency = %s AND (code, subject) IN
                   (SELECT * FROM unnest(%s::text[], %s::text[]))""",
            [currency, [a.code.value for a in distinct], [a.subject for a in distinct]],
        )
        for code, subject, minor in cursor.fetchall():
            sums[Account(AccountCode(code), subject)] = Money(minor, currency)
    return sums


def balance(
    account: Account,
    *,
    currency: str = "USD",
    on: date | None = None,
    known_on: date | None = None,
) -> Money:
    """Read debits less credits of one account: now, or up to a day of the books.

    With `known_on`, counts only what was posted by the end of that day, by Eastern time.
    """
    if account.subject and on is None and known_on is None:
        return balances([account], currency=currency)[account]
    if account.subject:
        return _past_balance(account, currency, on, known_on)
    for line in trial_balance(on=on, known_on=known_on):
        if line.code == account.code and line.debits.currency == currency:
            return line.debits - line.credits
    return Money(0, currency)


def _past_balance(account: Account, currency: str, on: date | None, known_on: date | None) -> Money:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT coalesce(sum(CASE WHEN t.debit_id = a.id THEN t.amount_minor
                                         ELSE -t.amount_minor END), 0)::bigint
                FROM ledger_account a JOIN ledger_transfer t ON a.id IN (t.debit_id, t.credit_id)
                WHERE a.code = %(code)s AND a.subject = %(subject)s AND a.currency = %(currency)s
                  AND {_KNOWN}""",  # noqa: S608  a condition of ours
            {
                "code": account.code.value,
                "subject": account.subject,
                "currency": currency,
                "on": on,
                "posted_before": _end_of(known_on),
            },
        )
        row: tuple[int] = cursor.fetchone()
        return Money(row[0], currency)


def party_balance(party: UUID, code: AccountCode, *, currency: str = "USD") -> Money:
    """Add up one customer's accounts of one code, debits less credits."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(sum(debits_minor - credits_minor), 0)::bigint FROM ledger_account
               WHERE party = %s AND code = %s AND currency = %s""",
            [party, code.value, currency],
        )
        row: tuple[int] = cursor.fetchone()
        return Money(row[0], currency)


def bookings(accounts: Sequence[Account] = (), *, evidence: str = "") -> list[Booking]:
    """Read the bookings that touch any of `accounts` or name `evidence`, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH named AS (
                   SELECT id FROM ledger_account WHERE (code, subject) IN
                       (SELECT * FROM unnest(%(codes)s::text[], %(subjects)s::text[]))
               )
               SELECT t.key, t.effective_date, t.booked_on, t.posted_at, t.reason, t.evidence,
                      d.code, d.subject, c.code, c.subject, t.amount_minor, t.currency
               FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit_id
               JOIN ledger_account c ON c.id = t.credit_id
               WHERE t.debit_id IN (SELECT id FROM named) OR t.credit_id IN (SELECT id FROM named)
                  OR (%(evidence)s <> '' AND t.evidence = %(evidence)s)
               ORDER BY t.posted_at, t.id""",
            {
                "codes": [a.code.value for a in accounts],
                "subjects": [a.subject for a in accounts],
                "evidence": evidence,
            },
        )
        return [
            Booking(
                key=row[0],
                effective_date=row[1],
                booked_on=row[2],
                posted_at=row[3],
                reason=row[4],
                evidence=row[5],
                debit=Account(AccountCode(row[6]), row[7]),
                credit=Account(AccountCode(row[8]), row[9]),
                amount=Money(row[10], row[11]),
            )
            for row in cursor.fetchall()
        ]


def applications_of(sources: Iterable[Account]) -> list[Application]:
    """Read what the money of `sources` was applied to, the oldest first."""
    return _applications("source", [source.subject for source in sources])


def applications_by_key(keys: Iterable[str]) -> list[Application]:
    """Read those of `keys` that stand, the oldest first."""
    return _applications("key", list(keys))


def _applications(column: str, values: list[str]) -> list[Application]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT key, source, target, party, amount_minor, currency, effective_date, evidence
                FROM ledger_application WHERE {column} = ANY(%s)
                ORDER BY posted_at, id""",  # noqa: S608  the name of a column
            [values],
        )
        rows = cursor.fetchall()
    return [
        Application(
            key=key,
            source=UNAPPLIED.of(source),
            target=RECEIVABLE.of(target),
            party=party,
            amount=Money(minor, currency),
            effective_date=effective_date,
            evidence=evidence,
        )
        for key, source, target, party, minor, currency, effective_date, evidence in rows
    ]


def trial_balance(*, on: date | None = None, known_on: date | None = None) -> list[TrialBalanceRow]:
    """Add up every account code up to and including a day of the books.

    With `known_on`, counts only what was posted by the end of that day, by Eastern time: then it
    reads every transfer, else movements alone.
    """
    source = "ledger_movement WHERE %(on)s::date IS NULL OR booked_on <= %(on)s"
    if known_on:
        source = f"""(
            SELECT a.code, t.currency, amount_minor AS debits_minor, 0 AS credits_minor
            FROM ledger_transfer t JOIN ledger_account a ON a.id = t.debit_id WHERE {_KNOWN}
            UNION ALL
            SELECT a.code, t.currency, 0, amount_minor
            FROM ledger_transfer t JOIN ledger_account a ON a.id = t.credit_id WHERE {_KNOWN}
        ) side"""  # noqa: S608  a condition of ours
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT code, currency, sum(debits_minor)::bigint, sum(credits_minor)::bigint
                FROM {source}
                GROUP BY code, currency ORDER BY code, currency""",  # noqa: S608  tables of ours
            {"on": on, "posted_before": _end_of(known_on)},
        )
        return [
            TrialBalanceRow(code, Money(debits, currency), Money(credits, currency))
            for code, currency, debits, credits in cursor.fetchall()
        ]


_KNOWN: Final = """(%(on)s::date IS NULL OR t.booked_on <= %(on)s)
    AND (%(posted_before)s::timestamptz IS NULL OR t.posted_at < %(posted_before)s)"""


def _end_of(day: date | None) -> datetime | None:
    return datetime.combine(day + timedelta(days=1), time(), bankdays.EASTERN) if day else None


def roll_up() -> int:
    """Merge the movement rows of each code and day into one; return how many rows this saved.

    Rows being written meanwhile are not seen and stay: the sum is right before and after.
    """
    locks.until_commit("ledger roll-up")
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH repeated AS (
                   SELECT code, currency, booked_on FROM ledger_movement
                   GROUP BY code, currency, booked_on HAVING count(*) > 1
               ), deleted AS (
                   DELETE FROM ledger_movement m USING repeated r
                   WHERE (m.code, m.currency, m.booked_on)
                       = (r.code, r.currency, r.booked_on)
                   RETURNING m.*
               ), inserted AS (
                   INSERT INTO ledger_movement
                       (code, currency, booked_on, batch, debits_minor, credits_minor)
                   SELECT code, currency, booked_on, %s, sum(debits_minor), sum(credits_minor)
                   FROM deleted GROUP BY code, currency, booked_on
                   RETURNING 1
               )
               SELECT (SELECT count(*) FROM deleted) - (SELECT count(*) FROM inserted)""",
            [new_id()],
        )
        row: tuple[int] = cursor.fetchone()
        return row[0]
