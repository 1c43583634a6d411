"""Commands that let people in: staff add, disable and list, customer-access."""

import argparse
import json
from typing import TYPE_CHECKING

from billfold.cli import asking, choosing, installing
from billfold.cli.refusal import Refused

if TYPE_CHECKING:
    from billfold.people.models import Person
    from billfold.platform.tenancy import Biller

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: "Commands") -> None:
    """Add the commands."""
    staff = commands.add_parser("staff", help="who works for the biller")
    kinds = staff.add_subparsers(title="kinds", metavar="KIND", required=True)
    new = kinds.add_parser("add", help="let somebody sign in as staff")
    new.add_argument("email", metavar="EMAIL")
    new.add_argument("--staff-name", metavar="NAME")
    new.add_argument(
        "--role",
        choices=["clerk", "treasurer"],
        default="clerk",
        help="a treasurer may release bank files (default clerk)",
    )
    choosing.add_option(new)
    asking.add_password_option(new)
    new.set_defaults(run=_add_staff, parser=new)

    end = kinds.add_parser("disable", help="let somebody in no longer, at once")
    end.add_argument("email", metavar="EMAIL")
    choosing.add_option(end)
    end.set_defaults(run=_disable_staff)

    listing = kinds.add_parser("list", help="who may sign in as staff")
    listing.add_argument("--json", action="store_true", help="print JSON")
    choosing.add_option(listing)
    listing.set_defaults(run=_list_staff)

    access = commands.add_parser(
        "customer-access", help="let a person see and pay a customer's invoices"
    )
    access.add_argument("email", metavar="EMAIL")
    access.add_argument("--customer", required=True, metavar="NUMBER", help="whose invoices")
    access.add_argument(
        "--role",
        choices=["view", "pay", "admin"],
        default="pay",
        help="what the person may do there (default pay)",
    )
    access.add_argument("--person-name", metavar="NAME", help="needed for a new login")
    access.add_argument(
        "--ask-password",
        action="store_true",
        help="ask for a new login's password instead of making a one-time one",
    )
    access.add_argument("--remove", action="store_true", help="take the access away instead")
    choosing.add_option(access)
    asking.add_password_option(access)
    access.set_defaults(run=_give_access, parser=access)


def _add_staff(arguments: argparse.Namespace) -> None:
    from django.db import transaction

    from billfold.people.models import Person
    from billfold.platform import audit, clock, tenancy
    from billfold.platform.ids import new_id

    email = installing.checked_email(arguments.email)
    name = asking.missing(arguments, "--staff-name", "Name")
    biller = choosing.chosen(arguments)
    with tenancy.use(biller):
        if Person.objects.filter(email=email).exists():
            raise Refused(f"{email} has a login already: see `billfold staff list`.")
        person = Person(id=new_id(), email=email, name=name, role=arguments.role)
        person.must_change_password = True  # Whoever types this command knows it.
        person.set_password(asking.password(arguments, person))
        with transaction.atomic():
            person.save(force_insert=True)
            audit.record(
                "staff added",
                f"person/{person.id}",
                actor=asking.whoever_typed(),
                now=clock.now(),
                after={"email": email, "role": person.role},
            )
    print(f"{biller.schema}: {email} may sign in as {person.role}.")


def _disable_staff(arguments: argparse.Namespace) -> None:
    from django.db import transaction

    from billfold.people.models import Person, Role
    from billfold.platform import audit, clock, tenancy

    biller = choosing.chosen(arguments)
    with tenancy.use(biller):
        with transaction.atomic():
            person = _staff(arguments.email)
            person.is_active = False
            person.save(update_fields=["is_active"])
            audit.record(
                "staff disabled",
                f"person/{person.id}",
                actor=asking.whoever_typed(),
                now=clock.now(),
                before={"is_active": True},
                after={"is_active": False},
            )
        left = Person.objects.filter(role=Role.TREASURER, is_active=True).count()
    print(f"{biller.schema}: {person.email} may no longer sign in; {left} treasurers are left.")


def _staff(email: str) -> "Person":
    """Find an active member of staff, and lock the row. Raises: Refused."""
    from billfold.people.models import Person, Role

    person = Person.objects.select_for_update().filter(email=email.strip().lower()).first()
    if person is None or person.role == Role.PAYER:
        raise Refused(f"No member of staff has the e-mail {email}: see `billfold staff list`.")
    if not person.is_active:
        raise Refused(f"{person.email} is disabled already.")
    return person


def _list_staff(arguments: argparse.Namespace) -> None:
    from billfold.people.models import Person, Role
    from billfold.platform import tenancy

    with tenancy.use(choosing.chosen(arguments)):
        staff = list(Person.objects.exclude(role=Role.PAYER).order_by("email"))
    facts = [
        {"email": each.email, "name": each.name, "role": each.role, "active": each.is_active}
        for each in staff
    ]
    if arguments.json:
        print(json.dumps(facts, indent=2))
        return
    for each in staff:
        print(f"{each.email}  {each.role}  {each.name}{'' if each.is_active else '  (disabled)'}")


def _give_access(arguments: argparse.Namespace) -> None:
    from django.db import transaction

    from billfold.platform import audit, clock, tenancy
    from billfold.platform.ids import new_id
    from billfold.receivables.models import Access, Customer

    email = installing.checked_email(arguments.email)
    biller = choosing.chosen(arguments)
    if arguments.remove:
        _remove_access(biller, email, arguments.customer)
        return
    with tenancy.use(biller):
        customer = Customer.objects.filter(number=arguments.customer).first()
        if customer is None:
            raise Refused(f"No customer has the number {arguments.customer!r}.")
        person, password = _payer(arguments, email)
        with transaction.atomic():
            person.save()
            access, is_new = Access.objects.get_or_create(
                person=person,
                customer=customer,
                defaults={"id": new_id(), "role": arguments.role},
            )
            before = {} if is_new else {"role": access.role}
            access.role = arguments.role
            access.save(update_fields=["role"])
            audit.record(
                "access given",
                f"person/{person.id}",
                actor=asking.whoever_typed(),
                now=clock.now(),
                before=before,
                after={"customer": customer.number, "role": access.role},
            )
    print(f"{biller.schema}: {email} may {access.role} account {customer}.")
    if password:
        print(f"One-time password, shown only here: {password}")


def _remove_access(biller: "Biller", email: str, number: str) -> None:
    """End what a person may do for a customer, at once. Raises: Refused."""
    from django.db import transaction

    from billfold.platform import audit, clock, tenancy
    from billfold.receivables.models import Access

    # The application itself cannot take rows of this table away.
    with tenancy.owning(biller), transaction.atomic():
        access = Access.objects.filter(person__email=email, customer__number=number).first()
        if access is None:
            raise Refused(f"{email} has no access to customer {number!r}.")
        audit.record(
            "access removed",
            f"person/{access.person_id}",
            actor=asking.whoever_typed(),
            now=clock.now(),
            before={"customer": number, "role": access.role},
        )
        access.delete()
    print(f"{biller.schema}: {email} may no longer see or pay account {number}.")


def _payer(arguments: argparse.Namespace, email: str) -> "tuple[Person, str]":
    """Find the login, or make one; give the password to tell, if it was made here.

    Raises: Refused.
    """
    from billfold.people.models import Person, Role
    from billfold.platform.ids import new_id

    known = Person.objects.filter(email=email).first()
    if known is not None:
        if known.role != Role.PAYER:
            raise Refused(f"{email} is staff: a payer needs another login.")
        return known, ""
    name = asking.missing(arguments, "--person-name", "Name of the person")
    person = Person(id=new_id(), email=email, name=name, role=Role.PAYER)
    person.must_change_password = True
    if arguments.ask_password or arguments.password_file:
        person.set_password(asking.password(arguments, person))
        return person, ""
    password = asking.one_time_password()
    person.set_password(password)
    return person, password
