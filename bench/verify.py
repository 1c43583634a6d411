"""All promises checked over settled payments, four transfers each: `--large` makes a million."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import _figures, _server, _size

NOW = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)
CUTOFF = NOW + timedelta(hours=8)
LATER = NOW + timedelta(days=2)
"""By then the bank has settled the files and delivered the statement that shows it."""
PAYMENTS = _size.choose(tiny=20, usual=25_000, large=250_000)
AT_ONCE = _size.choose(tiny=20, usual=1_000)
SECONDS_A_MILLION = 60.0


def _world(folder: Path) -> None:
    """Pay an invoice each, and live until the bank has settled the files and says so."""
    from bench import _customers
    from billfold.payments.paying import scheduling
    from billfold.platform import tenancy

    transport = {"kind": "folder"}
    for name in ("to_bank", "from_bank", "taken"):
        (folder / name).mkdir()
        transport[name] = str(folder / name)
    _customers.add(PAYMENTS, now=NOW, transport=transport)
    with tenancy.use(_server.biller()):
        for first in range(0, PAYMENTS, AT_ONCE):
            scheduling.schedule(_customers.intents(first, AT_ONCE, now=NOW), now=NOW)
    for moment in (CUTOFF, LATER):
        _live(moment)
    _server.vacuum()


def _live(moment: datetime) -> None:
    """Let the bank, the jobs and two treasurers do what is due; no mail is written."""
    from billfold import jobs
    from billfold.platform import audit, tenancy
    from billfold.simulator import days

    biller = _server.biller()
    for _ in range(2):
        with tenancy.use(biller):
            days.demo_treasurers_release(moment)
        for job in jobs.JOBS:
            if job.name != "mail":
                jobs.run(job, biller, now=moment)
        with tenancy.use(biller):
            for bank in days.banks():
                bank.act(moment)
            while audit.seal(now=moment):
                pass


def main() -> int:
    """Measure and print."""
    with _server.running() as folder:
        _server.in_another_process(_world, folder)
        from billfold.payments.models import Payment
        from billfold.payments.proof import report
        from billfold.platform import tenancy

        with tenancy.use(_server.biller()):
            assert Payment.objects.filter(state="settled").count() == PAYMENTS
        start, cpu_start = time.perf_counter(), time.process_time()
        verified = report.run(_server.biller(), now=LATER)
        seconds = time.perf_counter() - start
        cpu_seconds = time.process_time() - cpu_start
        assert verified.is_clean, [kept.first for kept in verified.promises if kept.offenders]
        checks = sorted(
            ((check.seconds, check.title) for kept in verified.promises for check in kept.results),
            reverse=True,
        )
        slowest = ", ".join(f"{title} {took:.1f} s" for took, title in checks[:5])
        _figures.report(
            f"verify of {4 * PAYMENTS:,} transfers, seconds",
            seconds,
            SECONDS_A_MILLION * 4 * PAYMENTS / 1_000_000,
            at_most=True,
            note=f"{cpu_seconds:.1f} s of them computing here; {slowest}",
        )
        _figures.report("peak memory of it, MB", _figures.peak_mb(), 500, at_most=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
