"""A pass over a biller with nothing new, however much it stores; and billers that idle together."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bench import _figures, _server, _size

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from billfold.platform.tenancy import Biller

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
"""A Friday morning: the cut-off of Thursday has run, that of Friday is to come."""
DAYS = 10
"""Days over which files and bank lines are spread: all of them may still match."""
ENTRIES_IN_A_FILE = 5
AUDIT_ENTRIES_A_SEAL = 10_000
PASSES = _size.choose(tiny=2, usual=50)
ROUNDS = 5
IDLE_BILLERS = _size.choose(tiny=3, usual=50)
IDLE_SECONDS = _size.choose(tiny=0.5, usual=60.0)


@dataclass(frozen=True, slots=True)
class History:
    """How much a biller has stored, all of it done."""

    lines: int
    files: int
    file_bytes: int
    audit_entries: int


USUAL = _size.choose(
    tiny=History(lines=20, files=4, file_bytes=4_000, audit_entries=100),
    usual=History(lines=5_000, files=200, file_bytes=4_000_000, audit_entries=1_000_000),
)
TENFOLD = _size.choose(
    tiny=History(lines=40, files=8, file_bytes=4_000, audit_entries=200),
    usual=History(lines=50_000, files=2_000, file_bytes=4_000, audit_entries=10_000_000),
)
FILES = """
CREATE TEMP TABLE model AS SELECT * FROM banking_bankfile WHERE direction = 'out' LIMIT 1;
INSERT INTO banking_bankfile SELECT (jsonb_populate_record(m, jsonb_build_object(
    'id', md5('file' || n)::uuid, 'sha256', lpad(n::text, 64, '0'), 'name', 'ach-' || n || '.ach',
    'state', 'sent', 'modifier', chr(n / %(days)s + 65), 'debit_minor', 1000000 + n,
    'business_date', %(today)s::date - n %% %(days)s, 'made_at', m.made_at - n * interval '1 hour',
    'effective_date', %(today)s::date - n %% %(days)s, 'entry_count', %(entries)s))).*
FROM model m, generate_series(1, %(files)s) n;
CREATE TEMP TABLE model_payment AS SELECT * FROM payments_payment LIMIT 1;
INSERT INTO payments_payment SELECT (jsonb_populate_record(m, jsonb_build_object(
    'id', md5('payment' || n)::uuid, 'reference', 'IDLE' || n, 'state', 'in_transit'))).*
FROM model_payment m, generate_series(1, %(files)s * %(entries)s) n;
INSERT INTO payments_instruction (id, file_id, payment_id, kind, odfi, trace, amount_minor,
                                  currency, rdfi, method_label, is_live)
SELECT md5('entry' || n)::uuid, md5('file' || 1 + (n - 1) / %(entries)s)::uuid,
       md5('payment' || n)::uuid, 'payment', '09199904', '09199904' || 1000000 + n,
       m.amount_minor, 'USD', '12999901', 'Checking ending 2000', true
FROM model_payment m, generate_series(1, %(files)s * %(entries)s) n;
INSERT INTO banking_bankfilecontent (file_id, content_sealed)
SELECT md5('file' || n)::uuid, %(content)s FROM generate_series(1, %(files)s) n;
DROP TABLE model, model_payment;
"""
AUDIT = """
ALTER TABLE platform_auditentry DISABLE TRIGGER list_unsealed;
INSERT INTO platform_auditentry (id, at, actor_id, actor_name, on_behalf_of, action, subject,
                                 before, after, request_id)
SELECT lpad(to_hex(n), 32, '0')::uuid, %(now)s::timestamptz - n * interval '1 second', 'job/bench',
       'bench', '', 'bank file sent', 'bankfile/' || n, '{}', '{"sha256": "0"}', ''
FROM generate_series(1, %(entries)s) n;
ALTER TABLE platform_auditentry ENABLE TRIGGER list_unsealed;
INSERT INTO platform_auditseal (number, at, hash)
SELECT 1000000 + n, now(), 'bench' || n FROM generate_series(0, %(entries)s / %(a_seal)s) n;
INSERT INTO platform_auditlink (entry_id, seal_id, position)
SELECT lpad(to_hex(n), 32, '0')::uuid, 1000000 + n / %(a_seal)s, n %% %(a_seal)s
FROM generate_series(1, %(entries)s) n;
"""


def _add(schema: str, folder: Path, *, invoices: int = 0) -> None:
    """Give a biller a bank whose folder is empty."""
    from bench import _customers

    transport = {"kind": "folder"}
    for name in ("to_bank", "from_bank", "taken"):
        place = folder / schema / name
        place.mkdir(parents=True)
        transport[name] = str(place)
    _customers.add(invoices, now=NOW - timedelta(days=DAYS), transport=transport, schema=schema)


def _live(schema: str, folder: Path, history: History) -> None:
    """Store a history, and let the jobs do what there is to do about it."""
    from django.db import connection

    from bench import _customers
    from billfold import jobs
    from billfold.banking import connections
    from billfold.payments.outgoing import cutoff
    from billfold.payments.paying import scheduling
    from billfold.platform import tenancy

    _add(schema, folder, invoices=1)
    began = NOW - timedelta(days=DAYS)
    biller = _server.biller(schema)
    with tenancy.use(biller):
        scheduling.schedule(_customers.intents(0, 1, now=began), now=began)
        cutoff.collect_due(connections.default(), (NOW - timedelta(days=1)).date(), now=NOW)
    with tenancy.as_owner(biller), connection.cursor() as cursor:
        _store_files(cursor, history)
        _store_audit_trail(cursor, history.audit_entries)
    with tenancy.use(biller):
        _store_lines(history.lines)
    _server.vacuum(schema)
    with tenancy.use(biller):
        while waiting := jobs.with_work([job for job in jobs.JOBS if job.name != "fetch"], now=NOW):
            for job in waiting:
                jobs.run(job, biller, now=NOW)
    _server.vacuum(schema)


def _store_files(cursor: CursorWrapper, history: History) -> None:
    """Store files that were sent and have not been settled."""
    values = {
        "days": DAYS,
        "today": NOW.date(),
        "files": history.files,
        "entries": ENTRIES_IN_A_FILE,
        "content": os.urandom(history.file_bytes),
    }
    _execute(cursor, FILES, values)


def _execute(cursor: CursorWrapper, statements: str, values: dict[str, object]) -> None:
    for statement in statements.strip().removesuffix(";").split(";\n"):
        cursor.execute(statement, values)


def _store_audit_trail(cursor: CursorWrapper, entries: int) -> None:
    """Store entries with their seals. Keys between the tables are checked at the end, at once."""
    cursor.execute(
        """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
           WHERE conrelid = 'platform_auditlink'::regclass AND contype = 'f'"""
    )
    keys = cursor.fetchall()
    for name, _ in keys:
        cursor.execute(f"ALTER TABLE platform_auditlink DROP CONSTRAINT {name}")
    values = {"now": NOW, "entries": entries, "a_seal": AUDIT_ENTRIES_A_SEAL}
    _execute(cursor, AUDIT, values)
    for name, definition in keys:
        cursor.execute(f"ALTER TABLE platform_auditlink ADD CONSTRAINT {name} {definition}")


def _store_lines(count: int) -> None:
    """Store bank lines that nobody can explain: deposits, wires, credits and debits like ours."""
    from billfold.banking import connections
    from billfold.banking.models import BankFile, BankLine, Statement
    from billfold.platform import sealing
    from billfold.platform.ids import new_id, new_ids

    bank = connections.default()
    file = BankFile.objects.earliest("made_at")
    statements = [
        Statement(id=new_id(), connection=bank, file=file, as_of=NOW.date() - timedelta(days=n))
        for n in range(DAYS)
    ]
    Statement.objects.bulk_create(statements)
    lines = [
        BankLine(
            id=id_,
            connection=bank,
            statement=statements[n % DAYS],
            as_of=statements[n % DAYS].as_of,
            type_code=("301", "195", "142", "557")[n % 4],
            is_credit=n % 4 != 3,
            amount_minor=77 + n,
            bank_reference=str(n),
            text_sealed=sealing.seal(b"DEPOSIT", context=f"banking_bankline|text|{id_}"),
            text_fingerprint=str(n),
            occurrence=1,
            line=n,
        )
        for n, id_ in enumerate(new_ids(count))
    ]
    BankLine.objects.bulk_create(lines, batch_size=1_000)


@dataclass(frozen=True, slots=True)
class CpuSeconds:
    """Processor time used here, and by the server for us."""

    client: float
    server: float

    @property
    def both(self) -> float:
        return self.client + self.server

    def since(self, before: CpuSeconds) -> CpuSeconds:
        return CpuSeconds(self.client - before.client, self.server - before.server)


def _backend_pid() -> int:
    from django.db import connection

    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)


def _used_by_connection() -> CpuSeconds:
    """Read the processor time used so far by this process and by its backend, exactly."""
    # Source: Linux, Documentation/scheduler/sched-stats.rst: nanoseconds on the processor.
    nanoseconds = int(Path(f"/proc/{_backend_pid()}/schedstat").read_text().split()[0])
    return CpuSeconds(client=time.process_time(), server=nanoseconds / 1e9)


def _used_by_server() -> CpuSeconds:
    """Read the processor time used so far by this process and by all processes of the server."""
    server = _stat(_backend_pid()).parent
    while True:
        children = {pid: stat for pid in _pids() if (stat := _stat(pid)).parent == server}
        itself = _stat(server)
        # One that ends meanwhile would count twice, or not at all.
        if children.keys() == {pid for pid in _pids() if _stat(pid).parent == server}:
            break
    ticks = itself.own_ticks + itself.ended_ticks
    ticks += sum(stat.own_ticks for stat in children.values())
    return CpuSeconds(client=time.process_time(), server=ticks / os.sysconf("SC_CLK_TCK"))


@dataclass(frozen=True, slots=True)
class _Stat:
    """What Linux says about a process. Source: proc_pid_stat(5), fields 4 and 14 to 17."""

    parent: int
    own_ticks: int
    ended_ticks: int
    """Of its children that have ended."""


def _pids() -> list[int]:
    return [int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit()]


def _stat(pid: int) -> _Stat:
    try:
        # The name in the second field is in brackets and may hold blanks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # It has ended meanwhile.
        return _Stat(0, 0, 0)
    user, system, ended_user, ended_system = map(int, fields[11:15])
    return _Stat(int(fields[1]), user + system, ended_user + ended_system)


def _pass_over(schema: str) -> CpuSeconds:
    """Measure passes that ask every job, and give the processor time of one."""
    biller, never = _server.biller(schema), threading.Event()
    _ask_every_job(biller, never)
    before = _used_by_connection()
    for _ in range(PASSES):
        _ask_every_job(biller, never)
    used = _used_by_connection().since(before)
    return CpuSeconds(used.client / PASSES, used.server / PASSES)


def _ask_every_job(biller: Biller, never: threading.Event) -> None:
    from billfold import jobs
    from billfold.platform import tenancy
    from billfold.worker import calls, loop

    loop.make_pass(biller, loop.LOOP_JOBS, never)
    with tenancy.use(biller):
        jobs.with_work(calls.NETWORK_JOBS, now=NOW)


def _compare_passes(*schemas: str) -> list[CpuSeconds]:
    """Measure passes over each biller in turn, so that all meet the same machine; give the best."""
    rounds = [
        [_pass_over(schema) for schema in schemas]
        for _ in range(_size.choose(tiny=1, usual=ROUNDS))
    ]
    return [min(passes, key=lambda used: used.both) for passes in zip(*rounds, strict=True)]


def _report(what: str, passed: CpuSeconds, against: CpuSeconds, limit: float) -> None:
    _figures.report(
        what,
        passed.both / against.both,
        limit,
        at_most=True,
        note=f"{passed.both * 1000:.2f} ms ({passed.client * 1000:.2f} here, "
        f"{passed.server * 1000:.2f} in the server) to {against.both * 1000:.2f} ms",
    )


def _idle_together(folder: Path) -> None:
    """Let the worker serve billers that have nothing to do, and see what it leaves of a core."""
    from billfold.platform import tenancy
    from billfold.worker import loop

    for number in range(IDLE_BILLERS - len(tenancy.billers())):
        schema = f"idle{number}"
        _server.biller(schema)
        _add(schema, folder)
    stop = threading.Event()
    timer = threading.Timer(IDLE_SECONDS, stop.set)
    before, start = _used_by_server(), time.perf_counter()
    timer.start()
    loop.work(stop)
    used, seconds = _used_by_server().since(before), time.perf_counter() - start
    timer.join()
    _figures.report(
        f"percent of a core that {len(tenancy.billers())} idle billers leave free",
        100 * (1 - used.both / seconds),
        80,
        note=f"{used.client:.2f} s here and {used.server:.2f} s in the server, of {seconds:.0f} s",
    )


def main() -> int:
    """Measure and print."""
    with _server.running() as folder:
        from django.db import connection

        from billfold.platform import clock

        clock.move_to(NOW)
        for schema in ("harborpoint", "tenfold"):
            _server.biller(schema)
        connection.close()  # The processes that are started from here open their own.
        _server.in_another_process(_add, "harborpoint", folder)
        _server.in_another_process(_live, _server.BILLER, folder, USUAL)
        _server.in_another_process(_live, "tenfold", folder, TENFOLD)
        empty, usual, tenfold = _compare_passes("harborpoint", _server.BILLER, "tenfold")
        _report(
            f"a pass over {USUAL.lines:,} unexplained lines, {USUAL.files:,} files of "
            f"{USUAL.file_bytes:,} bytes and {USUAL.audit_entries:,} sealed entries, "
            "against an empty biller",
            usual,
            empty,
            1.5,
        )
        _report("ten times the rows, against that", tenfold, usual, 1.1)
        _idle_together(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
