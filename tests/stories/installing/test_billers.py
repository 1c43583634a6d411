"""Two billers on one server never meet."""

from __future__ import annotations

import pytest
from django.db import Error, connection, transaction

from billfold.people.models import Person
from billfold.platform import tenancy


def test_promise_22_the_server_refuses_another_billers_tables(cedarline):
    with (
        pytest.raises(Error, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT * FROM harborpoint.people_person")


def test_promise_22_the_application_owns_no_tables_and_cannot_read_the_directory(cedarline):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tableowner = current_user")
        assert cursor.fetchone() == (0,)
    with (
        pytest.raises(Error, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT * FROM public.biller")


def test_promise_22_a_switch_inside_a_transaction_is_an_error(cedarline):
    with pytest.raises(tenancy.SwitchInTransaction), tenancy.no_biller():
        pass


def test_promise_22_without_a_biller_nothing_can_be_read(outside_transaction):
    with tenancy.no_biller():
        with pytest.raises(tenancy.NoBiller):
            tenancy.current()
        with pytest.raises(Error, match="does not exist"):
            Person.objects.count()


def test_promise_22_an_unknown_host_is_not_found(cedarline, client):
    tenancy._hosts["elsewhere.test"] = (float("inf"), None)

    answer = client.get("/", headers={"host": "elsewhere.test"})

    assert answer.status_code == 404
