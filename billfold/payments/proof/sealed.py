"""Promise 23: checks that sealed values open and agree with the columns beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.db import connection

from billfold.banking import account_fingerprints
from billfold.payments.proof.check import Inspection, ProofCheck, Violations, by_sql
from billfold.platform import sealing

_CHUNK: Final = 5_000
_BYTES: Final = frozenset(
    {
        ("banking_bankconnection", "account_number_sealed"),
        ("banking_bankfilecontent", "content_sealed"),
        ("banking_bankline", "text_sealed"),
        ("payments_bankaccount", "number_sealed"),
        ("payments_presentaccount", "number_sealed"),
        # The biller's own papers, which name no bank account of anybody.
        ("receivables_importrun", "content"),
        ("receivables_invoicedocument", "content"),
    }
)
_CLEAR_BYTES: Final = """
SELECT c.table_name || '.' || c.column_name || ' holds bytes nobody vouches for'
FROM information_schema.columns c
WHERE c.table_schema = %(schema)s::text AND c.data_type = 'bytea'
  AND (c.table_name::text, c.column_name::text)
      NOT IN (SELECT * FROM unnest(%(tables)s::text[], %(columns)s::text[]))
"""


def stream(statement: str) -> Iterator[tuple[Any, ...]]:
    """Read a large query in pieces, through a cursor of the server's."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows


def opened(sealed: bytes, context: str) -> str | None:
    """Unseal a text; None if it does not open, which is a violation of its own."""
    try:
        return sealing.unseal(sealed, context=context).decode()
    except (sealing.Unsealable, UnicodeDecodeError):
        return None


_ACCOUNTS: Final = """
SELECT a.id, a.routing_number, a.number_sealed, a.account_fingerprint,
       a.account_fingerprint_with_zeros, a.last4
FROM payments_bankaccount a"""
_OTHER_METHOD: Final = """
SELECT m.id FROM payments_paymentmethod m
LEFT JOIN payments_presentaccount a ON a.method_id = m.id
WHERE m.kind = 'bank' AND (m.account_fingerprint, m.label) IS DISTINCT FROM
    (a.account_fingerprint, initcap(a.account_type) || ' ending ' || a.last4)"""


def accounts(inspection: Inspection) -> set[tuple[str, str]]:
    """Open every bank account there is or was, once: routing and account number."""
    numbers: set[tuple[str, str]] = inspection.once("accounts", lambda: _opened_accounts()[0])
    return numbers


def _opened_accounts() -> tuple[set[tuple[str, str]], list[str]]:
    """Open every bank account; give the numbers, and a violation where another is displayed."""
    numbers: set[tuple[str, str]] = set()
    violations: list[str] = []
    for row_id, routing, sealed, *displayed in stream(_ACCOUNTS):
        number = opened(sealed, f"payments_bankaccount|number|{row_id}")
        if number is None:
            violations.append(
                f"the account number of bank account {row_id} does not open with our keys"
            )
            continue
        numbers.add((routing, number))
        if displayed != [
            account_fingerprints.of_account(routing, number),
            account_fingerprints.with_zeros(routing, number),
            number[-4:],
        ]:
            violations.append(f"bank account {row_id} shows another account than it keeps")
    violations += [
        f"method {method_id} shows another account than it keeps"
        for (method_id,) in stream(_OTHER_METHOD)
    ]
    return numbers, violations


def _numbers(inspection: Inspection) -> Violations:
    """Open every account number and compare it with its fingerprint and last four."""
    numbers, violations = _opened_accounts()
    inspection.once("accounts", lambda: numbers)

    def offenders() -> Iterator[str]:
        yield from violations
        for row_id, sealed, fingerprint, last4 in stream(
            """SELECT id, account_number_sealed, account_fingerprint, account_last4
               FROM banking_bankconnection"""
        ):
            number = opened(sealed, f"banking_bankconnection|account_number|{row_id}")
            if number is None:
                yield f"the account number of bank {row_id} does not open with our keys"
            elif fingerprint != account_fingerprints.of_own_account(number) or last4 != number[-4:]:
                yield f"bank {row_id} shows another account than it keeps"

    return Violations.of(offenders())


def _texts(_inspection: Inspection) -> Violations:
    """Open the words of every bank line."""

    def offenders() -> Iterator[str]:
        for row_id, sealed, fingerprint in stream(
            "SELECT id, text_sealed, text_fingerprint FROM banking_bankline"
        ):
            text = opened(sealed, f"banking_bankline|text|{row_id}")
            if text is None:
                yield f"the words of bank line {row_id} do not open with our keys"
            elif fingerprint != sealing.fingerprint(text, purpose="statement text"):
                yield f"the words of bank line {row_id} are not those it came with"

    return Violations.of(offenders())


_OUT: Final = """
SELECT b.transport, f.name, f.state, f.sent_at < %(now)s::timestamptz - interval '1 day'
FROM banking_bankfile f JOIN banking_bankconnection b ON b.id = f.connection_id
WHERE f.direction = 'out'"""
_IN: Final = """
SELECT sha256 FROM banking_bankfile
WHERE direction = 'in' AND made_at < %(now)s::timestamptz - interval '1 hour'
  -- On HOLD what was fetched stays at the bank.
  AND NOT %(is_held)s::boolean"""


def _folders(inspection: Inspection) -> Violations:
    """Find clear copies of files that lie about in the folders to and from the bank."""

    def offenders() -> Iterator[str]:
        known = {
            name: state in {"accepted", "rejected", "void"} or bool(is_old)
            for _, name, state, is_old in inspection.rows(_OUT)
        }
        stored = {sha256 for (sha256,) in inspection.rows(_IN)}
        for (transport,) in inspection.rows(
            "SELECT transport->>'to_bank' FROM banking_bankconnection "
            "WHERE transport->>'kind' = 'folder'"
        ):
            for path in _files(transport):
                if known.get(path.name.removesuffix(".part"), path.suffix == ".part"):
                    yield f"{path.name} still lies in the folder to the bank"
        for (transport,) in inspection.rows(
            "SELECT transport->>'from_bank' FROM banking_bankconnection "
            "WHERE transport->>'kind' = 'folder'"
        ):
            for path in _files(transport):
                if hashlib.sha256(path.read_bytes()).hexdigest() in stored:
                    yield f"{path.name} still lies in the folder from the bank"

    return Violations.of(offenders())


def _files(folder: str) -> list[Path]:
    place = Path(folder)
    return sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else []


CHECKS: Final = (
    by_sql(
        23,
        "Bytes are kept only where they are sealed or the biller's own",
        _CLEAR_BYTES,
        tables=[table for table, _ in sorted(_BYTES)],
        columns=[column for _, column in sorted(_BYTES)],
    ),
    ProofCheck(23, "Every account number is sealed and is the one shown", _numbers),
    ProofCheck(23, "Every bank line's words are sealed", _texts),
    ProofCheck(23, "No clear bank file is left in the folders to and from the bank", _folders),
)
