"""What people may do is written down grant by grant; the last one counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction

from billfold.people import rights
from billfold.people.models import Person, Role, RoleGrant
from billfold.platform import tenancy
from billfold.platform.ids import new_id
from billfold.receivables.models import Access, AccessGrant
from tests import databases, waiting
from tests.conftest import MONDAY
from tests.world import OPERATOR


def test_promise_20_a_role_is_the_last_that_was_granted(world):
    clerk = world.clerk

    world.give_role(clerk, Role.TREASURER)
    world.give_role(clerk, Role.CLERK)
    world.give_role(clerk, Role.TREASURER)

    assert clerk.may_release_files
    assert Person.objects.get(pk=clerk.pk).role is Role.TREASURER
    grants = RoleGrant.objects.filter(person=clerk).order_by("number")
    assert list(grants.values_list("number", "role", "by_id")) == [
        (1, "clerk", OPERATOR.id),
        (2, "treasurer", OPERATOR.id),
        (3, "clerk", OPERATOR.id),
        (4, "treasurer", OPERATOR.id),
    ]


def test_promise_20_only_active_treasurers_count_as_such(world):
    priya, jonah = world.treasurers
    everybody = [priya, jonah, world.clerk, world.payer]
    ids = [*(person.actor().id for person in everybody), f"person/{new_id()}", "job/send"]

    assert rights.active_treasurers(ids) == {priya.actor().id, jonah.actor().id}
    world.give_role(priya, Role.CLERK)
    world.give_role(jonah, Role.TREASURER, is_active=False)
    assert rights.active_treasurers(ids) == set()
    assert rights.count_treasurers() == 0


def test_promise_20_somebody_who_was_granted_nothing_may_do_nothing(world):
    person = Person(id=new_id(), email="new@cedarline.example", name="New")
    person.save(force_insert=True)

    assert not Person.objects.get(pk=person.pk).is_active


def test_promise_20_the_database_takes_each_number_of_a_grant_once(world):
    number = RoleGrant.objects.get(person=world.clerk).number

    with pytest.raises(IntegrityError, match="people_grants_in_order"), transaction.atomic():
        RoleGrant.objects.create(
            id=new_id(),
            person=world.clerk,
            number=number,
            role=Role.TREASURER,
            is_active=True,
            by_id="person/other",
            by_name="Somebody",
            at=world.now,
        )


def test_promise_20_of_two_grants_at_once_the_later_counts(desk, django_db_blocker):
    def give_meanwhile() -> None:
        with django_db_blocker.unblock(), tenancy.use(desk):
            try:
                with transaction.atomic():
                    rights.give(person, Role.CLERK, actor=OPERATOR, now=MONDAY)
            finally:
                connection.close()

    with tenancy.use(desk), ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            person = rights.add_person(
                "cleo@desk.example", None, name="Cleo", actor=OPERATOR, now=MONDAY
            )
        with transaction.atomic():
            rights.give(person, Role.TREASURER, actor=OPERATOR, now=MONDAY)
            other = threads.submit(give_meanwhile)
            waiting.wait_until(databases.somebody_waits_for_a_lock, "the other waits")
        other.result(waiting.HUNG_AFTER_SECONDS)

        grants = RoleGrant.objects.order_by("number").values_list("number", "role")
        assert list(grants) == [(1, "payer"), (2, "treasurer"), (3, "clerk")]


def test_an_access_that_was_ended_is_gone_and_can_be_given_again(world):
    world.give_access(world.payer, world.customer, "view")
    assert Access.objects.get(person=world.payer).role == "view"

    world.end_access(world.payer, world.customer)
    assert not Access.objects.filter(person=world.payer).exists()

    world.give_access(world.payer, world.customer, "admin")
    assert Access.objects.get(person=world.payer).role == "admin"
    grants = AccessGrant.objects.filter(person=world.payer).order_by("number")
    assert list(grants.values_list("role", flat=True)) == ["pay", "view", "", "admin"]
