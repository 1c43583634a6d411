"""The pay page among a million invoices, against a minimal page with three indexed queries."""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from bench import _ground

NOW = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)
INVOICES, MANY_INVOICES = 100_000, 1_000_000
ROUNDS = 300


def _world(count: int) -> None:
    from bench import _people
    from billfold.people.models import Person
    from billfold.platform import tenancy
    from billfold.platform.ids import new_id
    from billfold.receivables.models import Access, Customer

    _people.make(count, now=NOW)
    with tenancy.use(tenancy.biller("cedarline")):
        person = Person.objects.get(email="payer@cedarline.example")
        customer = Customer.objects.order_by("number")[count // _people.PER_CUSTOMER // 2]
        Access.objects.create(id=new_id(), person=person, customer=customer)
    _people.vacuum()


def _milliseconds(get: Callable[[], object]) -> list[float]:
    for _ in range(20):
        get()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        get()
        times.append((time.perf_counter() - start) * 1_000)
    return sorted(times)


def main() -> int:
    """Measure and print."""
    count = MANY_INVOICES if "--large" in sys.argv else INVOICES
    with _ground.ground():
        maker = multiprocessing.Process(target=_world, args=(count,))
        maker.start()
        maker.join()
        from django.test import Client, override_settings

        from billfold.people.models import Person
        from billfold.platform import tenancy

        with tenancy.use(tenancy.biller("cedarline")):
            client = Client(headers={"host": "localhost"})
            client.force_login(Person.objects.get(email="payer@cedarline.example"))
            ours = _milliseconds(lambda: client.get("/pay"))
            with override_settings(ROOT_URLCONF="bench._minimal"):
                minimal = _milliseconds(lambda: client.get("/"))
        middle = statistics.median(ours)
        _ground.report(
            f"pay page among {count:,} invoices, minimal page / ours",
            statistics.median(minimal) / middle,
            0.5,
            note=f"{statistics.median(minimal):.1f} ms against {middle:.1f} ms",
        )
        _ground.report("pay page, p99 / p50", ours[len(ours) * 99 // 100] / middle, 3, at_most=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
