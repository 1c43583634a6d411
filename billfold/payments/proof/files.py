"""Promise 14: checks that files are sent once. Promise 27: that their bytes are intact."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from billfold.banking import exchange
from billfold.banking.models import BankFile, BankFileContent
from billfold.formats import nacha
from billfold.formats.problems import Unreadable, Unwritable
from billfold.payments.cases import unresolved_files
from billfold.payments.cases.case_kinds import CaseKind
from billfold.payments.outgoing import transmission
from billfold.payments.proof.check import Inspection, ProofCheck, Violations, by_sql
from billfold.payments.proof.guards import changed_only, never_changed, unique
from billfold.platform import sealing

_ONE_LIVE: Final = """
SELECT 'payment ' || p.reference || ' is ' || p.state || ' with ' || coalesce(i.live, 0)
       || ' live entries in bank files'
FROM payments_payment p LEFT JOIN (
    SELECT payment_id, count(*) AS live FROM payments_instruction
    WHERE is_live AND kind = 'payment' GROUP BY 1) i ON i.payment_id = p.id
WHERE (p.state IN ('in_transit', 'settled', 'returned') AND coalesce(i.live, 0) <> 1)
   OR (p.state IN ('scheduled', 'canceled') AND coalesce(i.live, 0) <> 0)
"""
_AMOUNTS: Final = """
SELECT 'entry ' || i.trace || ' asks for ' || i.amount_minor || ', payment ' || p.reference
       || ' is ' || p.amount_minor
FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
WHERE i.kind = 'payment' AND (i.amount_minor, i.currency) <> (p.amount_minor, p.currency)
"""
_TOTALS: Final = """
SELECT 'file ' || f.name || ' has ' || f.entry_count || ' entries over ' || f.debit_minor
       || ', its instructions are ' || count(i.id) || ' over ' || coalesce(sum(i.amount_minor), 0)
FROM banking_bankfile f LEFT JOIN payments_instruction i ON i.file_id = f.id
WHERE f.direction = 'out' GROUP BY f.id
HAVING count(i.id) <> f.entry_count OR coalesce(sum(i.amount_minor), 0) <> f.debit_minor
"""
_LIVE: Final = """
SELECT 'entry ' || i.trace || ' is ' || CASE WHEN i.is_live THEN 'live' ELSE 'dead' END
       || ' in file ' || f.name || ', which is ' || f.state
FROM payments_instruction i JOIN banking_bankfile f ON f.id = i.file_id
WHERE i.is_live = (f.state IN ('void', 'rejected')) OR f.direction <> 'out'
"""
_STUCK: Final = """
SELECT 'file ' || f.name || ' has been ' || f.state || ' since ' || f.released_at
       || ' and nobody was asked'
FROM banking_bankfile f
WHERE f.direction = 'out' AND NOT %(is_stopped)s::boolean AND (
    (f.state = 'sending' AND f.released_at < %(now)s::timestamptz - interval '1 hour')
    OR (f.state = 'released' AND f.released_at < %(now)s::timestamptz - interval '1 day'))
  AND NOT EXISTS (SELECT FROM payments_case c
                  WHERE c.evidence = 'bankfile/' || f.id AND c.kind = ANY(%(kinds)s)
                    AND c.closed_at IS NULL)
"""
_MOMENTS: Final = """
SELECT 'file ' || name || ' is ' || state || ' without the moment it was ' || CASE
           WHEN released_at IS NULL THEN 'released' ELSE 'sent' END
FROM banking_bankfile
WHERE direction = 'out' AND ((state IN ('released', 'sending', 'sent', 'accepted')
                              AND released_at IS NULL)
                             OR (state IN ('sent', 'accepted') AND sent_at IS NULL))
"""
_PASSED_OVER: Final = """
SELECT DISTINCT 'payment ' || p.reference || ' was due ' || p.collect_on || ' and the cut-off of '
       || c.business_date || ' passed it over'
FROM payments_payment p
JOIN payments_cutoff c ON c.connection_id = p.connection_id AND c.business_date >= p.collect_on
LEFT JOIN LATERAL (
    -- Payments of a file taken back that the bank says it took wait until people know more.
    SELECT bool_or(k.closed_at IS NULL) AS is_open, max(k.closed_at) AS closed_at
    FROM payments_instruction i JOIN payments_case k ON k.evidence = 'bankfile/' || i.file_id
    WHERE i.payment_id = p.id AND i.kind = 'payment' AND k.kind = %(doubted)s
      AND k.key LIKE '%%/accepted'
) doubt ON true
WHERE p.state = 'scheduled' AND doubt.is_open IS NOT TRUE
  AND NOT EXISTS (SELECT FROM payments_case k WHERE k.evidence = 'payment/' || p.reference
                  AND k.kind = %(parked)s AND k.closed_at IS NULL)
  AND c.run_at > greatest(p.created_at, doubt.closed_at, (
    SELECT max(e.at) FROM payments_subjectevent e
    WHERE e.subject = 'payment/' || p.reference AND e.kind = 'withdrawn'))
"""
_OTHER_BANK: Final = """
SELECT 'payment ' || p.reference || ' was promised to ' || own.name || ', file ' || f.name
       || ' went to ' || other.name
FROM payments_instruction i JOIN payments_payment p ON p.id = i.payment_id
JOIN banking_bankfile f ON f.id = i.file_id AND f.connection_id <> p.connection_id
JOIN banking_bankconnection own ON own.id = p.connection_id
JOIN banking_bankconnection other ON other.id = f.connection_id
"""


def _read(inspection: Inspection) -> dict[int, list[str]]:
    """Open every stored file once; give the violations by promise."""
    violations: dict[int, list[str]] = defaultdict(list)
    instructions = _instructions(inspection)
    for file in BankFile.objects.order_by("made_at", "id").iterator(chunk_size=10):
        try:
            plain = exchange.unseal_content(file)
        except BankFileContent.DoesNotExist:
            violations[27].append(f"file {file.name} has no bytes")
            continue
        except sealing.Unsealable:
            violations[27].append(f"file {file.name} does not open with our keys")
            continue
        if hashlib.sha256(plain).hexdigest() != file.sha256 or len(plain) != file.size:
            violations[27].append(f"file {file.name} is not the bytes it was")
        if file.direction == "out":
            _reread(file, plain, instructions.pop(file.pk, {}), violations)
    return violations


def _instructions(inspection: Inspection) -> dict[object, dict[str, int]]:
    amounts: dict[object, dict[str, int]] = defaultdict(dict)
    for file_id, trace, minor in inspection.rows(
        "SELECT file_id, trace, amount_minor FROM payments_instruction"
    ):
        amounts[file_id][trace] = minor
    return amounts


def _reread(
    file: BankFile, plain: bytes, instructed: dict[str, int], violations: dict[int, list[str]]
) -> None:
    """Read an outgoing file, compare its debits with our entries, and write it again."""
    try:
        read = nacha.read(plain)
        line_end = "\r\n" if b"\r\n" in plain else "\n"
        again = nacha.write(read, line_end="\r\n" if line_end == "\r\n" else "\n")
    except (Unreadable, Unwritable) as refused:
        violations[27].append(f"file {file.name} cannot be written again: {refused.problems[0]}")
        return
    if again != plain:
        violations[27].append(f"file {file.name} comes out otherwise when written again")
    debits = {entry.trace: entry.amount_minor for _, entry in read.entries() if entry.is_debit}
    violations[14].extend(_differences(file.name, debits, instructed))


def _differences(name: str, debits: dict[str, int], instructed: dict[str, int]) -> Iterator[str]:
    for trace in sorted(debits.keys() | instructed.keys()):
        if debits.get(trace) != instructed.get(trace):
            yield (
                f"file {name} debits {debits.get(trace, 'nothing')} under {trace}, "
                f"our entry is {instructed.get(trace, 'not there')}"
            )


def _bytes(promise: int, title: str) -> ProofCheck:
    def find(inspection: Inspection) -> Violations:
        read: dict[int, list[str]] = inspection.once("bank files", lambda: _read(inspection))
        return Violations.of(read[promise])

    return ProofCheck(promise, title, find)


CHECKS: Final = (
    unique(
        14,
        "The database takes a trace, a file and its modifier once",
        "payments_instruction.odfi+trace",
        "banking_bankfile.direction+sha256",
        "payments_cutoff.connection_id+business_date",
    ),
    unique(
        14,
        "The database takes one live entry of each payment, one modifier a day",
        "payments_instruction.payment_id+kind",
        "banking_bankfile.connection_id+business_date+modifier",
        partial=True,
    ),
    by_sql(14, "Every debit is in exactly one live file", _ONE_LIVE),
    by_sql(14, "Every entry goes through the bank its payment was promised to", _OTHER_BANK),
    by_sql(14, "Every entry asks for the amount of its payment", _AMOUNTS),
    by_sql(14, "The entries of a file add up to it", _TOTALS),
    by_sql(14, "Entries are live while their file is", _LIVE),
    by_sql(14, "No released file is forgotten or stuck", _STUCK, kinds=list(transmission.KINDS)),
    by_sql(14, "Every file knows when it was released and sent", _MOMENTS),
    by_sql(
        14,
        "No due payment was passed over",
        _PASSED_OVER,
        doubted=unresolved_files.KIND,
        parked=CaseKind.FAILED_PAYMENT,
    ),
    changed_only(14, "The application cannot rewrite an entry", "payments_instruction"),
    changed_only(14, "The application cannot rewrite a cut-off", "payments_cutoff"),
    changed_only(27, "The application cannot rewrite a bank file", "banking_bankfile"),
    *never_changed(27, "the bytes of bank files", "banking_bankfilecontent"),
    changed_only(27, "The application cannot rewrite an import", "receivables_importrun"),
    _bytes(14, "The bytes of a file debit what our entries say"),
    _bytes(27, "Stored files are the bytes they were, and ours can be written again"),
)
