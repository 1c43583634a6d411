"""All promises checked over settled payments, four transfers each: `--large` makes a million."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from datetime import UTC, date, datetime, timedelta

from bench import _ground

NOW = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)
CUTOFF = NOW + timedelta(hours=8)
LATER = NOW + timedelta(days=2)
PAYMENTS, MANY_PAYMENTS = 25_000, 250_000
SECONDS_A_MILLION = 60.0


def _world(count: int) -> None:
    """Pay an invoice each, send the files, settle them by one bank line each."""
    from bench import _people
    from billfold.banking import connections
    from billfold.payments.outgoing import cutoff
    from billfold.payments.paying import scheduling
    from billfold.platform import audit, tenancy

    _people.make(count, now=NOW)
    with tenancy.use(tenancy.biller("cedarline")):
        for client in range(count // 5_000):
            intents = _people.intents(client, 5_000, now=NOW)
            for at in range(0, len(intents), 1_000):
                scheduling.schedule(intents[at : at + 1_000], now=NOW)
        bank = connections.default()
        cutoff.collect_due(bank, CUTOFF.date(), now=CUTOFF)
        _settle(CUTOFF.date() + timedelta(days=1))
        while audit.seal(now=LATER):
            pass
    _people.vacuum()


def _settle(on: date) -> None:
    """Release and send the files by hand, then let a statement show their credits."""
    from django.db import transaction

    from billfold.banking import connections, exchange
    from billfold.banking.models import BankFile, Deposit, Statement
    from billfold.payments.funnel import recording
    from billfold.payments.models import Instruction
    from billfold.platform import audit, sealing
    from billfold.platform.ids import new_id
    from billfold.rails.protocol import Document, Settled

    bank = connections.default()
    files = list(BankFile.objects.filter(direction="out").order_by("name"))
    source, _ = exchange.store(bank, Document("statement", b"01,"), now=LATER)
    total = sum(file.debit_minor for file in files)
    statement = Statement.objects.create(
        id=new_id(), connection=bank, file=source, as_of=on, opening_minor=0, closing_minor=total
    )
    for line, file in enumerate(files):
        for person in ("one", "two"):
            actor = audit.Actor(id=f"person/{person}", name=person)
            exchange.approve(file.pk, file.sha256, actor=actor, now=CUTOFF)
        BankFile.objects.filter(pk=file.pk).update(state="accepted", sent_at=CUTOFF)
        deposit = Deposit(
            id=new_id(),
            connection=bank,
            statement=statement,
            as_of=on,
            type_code="142",
            is_credit=True,
            amount_minor=file.debit_minor,
            customer_reference=file.name,
            text_fingerprint=sealing.fingerprint("", purpose="statement text"),
            occurrence=1,
            line=line,
            explained_at=LATER,
        )
        context = f"banking_deposit|text|{deposit.id}"
        deposit.text_sealed = sealing.seal(b"", context=context)
        deposit.save(force_insert=True)
        references = Instruction.objects.filter(file=file).values_list(
            "payment__reference", flat=True
        )
        with transaction.atomic():
            recording.record(
                [Settled(r, "settled", on, evidence=deposit.evidence) for r in references],
                now=LATER,
            )


def main() -> int:
    """Measure and print."""
    count = MANY_PAYMENTS if "--large" in sys.argv else PAYMENTS
    with _ground.ground():
        maker = multiprocessing.Process(target=_world, args=(count,))
        maker.start()
        maker.join()
        assert maker.exitcode == 0
        from billfold.payments.proof import report
        from billfold.platform import tenancy

        start = time.perf_counter()
        found = report.run(tenancy.biller("cedarline"), now=LATER)
        seconds = time.perf_counter() - start
        assert found.is_clean, [kept.first for kept in found.promises if kept.offenders]
        checked = sorted(
            ((each.seconds, each.title) for kept in found.promises for each in kept.checked),
            reverse=True,
        )
        slowest = ", ".join(f"{title} {took:.1f} s" for took, title in checked[:5])
        _ground.report(
            f"verify of {4 * count:,} transfers, seconds",
            seconds,
            SECONDS_A_MILLION * 4 * count / 1_000_000,
            at_most=True,
            note=slowest,
        )
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        _ground.report("peak memory of it, MB", peak_mb, 500, at_most=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
