"""Files of the bank are large: only who reads one loads its bytes."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from billfold.banking.models import BankFile
from tests.world import eastern


def test_neither_pages_nor_jobs_load_the_bytes_of_files_they_do_not_read(world, client):
    payment = world.pay(world.invoice("CL-1", "120.00"))
    world.go_to(eastern(2026, 11, 20))
    client.force_login(world.treasurers[0])
    [sent] = BankFile.objects.filter(direction="out")

    with CaptureQueriesContext(connection) as queries:
        world.run_jobs()
        pages = [
            client.get("/office/files"),
            client.get(f"/office/files/{sent.id}"),
            client.get(f"/office/payments/{payment.reference}"),
        ]

    assert {page.status_code for page in pages} == {200}
    assert [query["sql"] for query in queries if "content_sealed" in query["sql"]] == []
