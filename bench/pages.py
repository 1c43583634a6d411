"""The pay page among a million invoices, against a minimal page with three indexed queries."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench import _figures, _server, _size

if TYPE_CHECKING:
    from django.test import Client

NOW = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)
INVOICES = _size.choose(tiny=40, usual=100_000, large=1_000_000)
ROUNDS = _size.choose(tiny=2, usual=300)
WARMING = _size.choose(tiny=1, usual=20)


def _world() -> None:
    from django.db import transaction

    from bench import _customers
    from billfold.people.models import Person
    from billfold.platform import audit, tenancy
    from billfold.receivables import access_grants
    from billfold.receivables.models import Customer

    _customers.add(INVOICES, now=NOW)
    with tenancy.use(_server.biller()):
        person = Person.objects.get(email="payer@cedarline.example")
        customer = Customer.objects.order_by("number")[INVOICES // _customers.PER_CUSTOMER // 2]
        with transaction.atomic():
            access_grants.give(person, customer, "pay", actor=audit.job("bench"), now=NOW)
    _server.vacuum()


def _open(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200, path


def _milliseconds(get: Callable[[], object]) -> list[float]:
    for _ in range(WARMING):
        get()
    return sorted(1_000 * _figures.seconds(get) for _ in range(ROUNDS))


def main() -> int:
    """Measure and print."""
    with _server.running():
        _server.in_another_process(_world)
        from django.test import Client, override_settings

        from billfold.people.models import Person
        from billfold.platform import tenancy

        with tenancy.use(_server.biller()):
            client = Client(headers={"host": _server.host()})
            client.force_login(Person.objects.get(email="payer@cedarline.example"))
            ours = _milliseconds(lambda: _open(client, "/pay"))
            with override_settings(ROOT_URLCONF="bench._minimal_page"):
                minimal = _milliseconds(lambda: _open(client, "/"))
        middle = statistics.median(ours)
        _figures.report(
            f"pay page among {INVOICES:,} invoices, minimal page / ours",
            statistics.median(minimal) / middle,
            0.5,
            note=f"{statistics.median(minimal):.1f} ms against {middle:.1f} ms",
        )
        slow = ours[len(ours) * 99 // 100]
        _figures.report("pay page, p99 / p50", slow / middle, 3, at_most=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
