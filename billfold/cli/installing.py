"""Commands that set up an installation and its billers: init, biller add, set and list."""

import argparse
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from billfold.cli import asking, choosing, main, profile_keeping
from billfold.cli.refusal import Refused
from billfold.platform import state

if TYPE_CHECKING:
    from billfold.cli.profile_files import Profile
    from billfold.people.models import Person
    from billfold.platform.audit import Actor
    from billfold.platform.tenancy import Biller

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: "Commands") -> None:
    """Add the commands."""
    init = commands.add_parser("init", help="set up a live installation, once")
    init.add_argument("--biller", metavar="SCHEMA", help="short name of the first biller")
    _add_naming(init)
    init.add_argument("--staff-email", metavar="EMAIL", help="the first member of staff")
    init.add_argument("--staff-name", metavar="NAME")
    asking.add_password_option(init)
    init.set_defaults(run=_init, database=False, django=False, parser=init)

    biller = commands.add_parser("biller", help="set up billers, and list them")
    kinds = biller.add_subparsers(title="kinds", metavar="KIND", required=True)
    new = kinds.add_parser("add", help="make a biller")
    new.add_argument("biller", metavar="SCHEMA", help="its short name, as cedarline")
    _add_naming(new)
    new.set_defaults(run=_add_biller, parser=new)

    change = kinds.add_parser("set", help="change a biller's profile, hosts or bank connection")
    choosing.add_option(change)
    change.add_argument("--profile", type=Path, metavar="FILE.toml")
    change.add_argument("--name", help="what the directory calls it")
    change.add_argument("--host", action="append", metavar="NAME", help="serve it there too")
    change.add_argument(
        "--remove-host", action="append", default=[], metavar="NAME", help="and no longer there"
    )
    change.add_argument("pairs", nargs="*", metavar="FIELD=VALUE", help="as support_phone=…")
    change.set_defaults(run=_set_biller, parser=change)

    listing = kinds.add_parser("list", help="billers, their hosts, and what each still lacks")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=_list_billers)


def _add_naming(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help="what people call the biller")
    parser.add_argument(
        "--host",
        action="append",
        metavar="NAME",
        help="name in its address, as billing.example.com; can be repeated",
    )
    parser.add_argument("--profile", type=Path, metavar="FILE.toml", help="its terms and its bank")


# -- init --------------------------------------------------------------------------------------


def _init(arguments: argparse.Namespace) -> None:
    place = state.default()
    _refuse_used(place)
    schema = asking.missing(arguments, "--biller", "Short name of the biller, as cedarline")
    name = asking.missing(arguments, "--name", "What people call it")
    arguments.host = arguments.host or [asking.missing(arguments, "--host", "Name in its address")]
    email = asking.missing(arguments, "--staff-email", "E-mail of the first member of staff")
    staff_name = asking.missing(arguments, "--staff-name", "Name of the same")
    profile = _profile(arguments)
    os.environ["BILLFOLD_MODE"] = "live"
    with main.database():
        main.set_up_django()
        _refuse_used_database()
        from billfold.people.models import Person, Role
        from billfold.platform import clock, live_mark, sealing

        person = Person(email=checked_email(email), name=staff_name, role=Role.TREASURER)
        person.set_password(asking.password(arguments, person))
        hosts = _checked(schema, arguments.host)
        live_mark.write_mode(state.prepare(place), "live")
        sealing.make_keys()
        now, actor = clock.now(), asking.whoever_typed()
        biller = _make_first(schema, name, hosts)
        profile_keeping.apply(biller, profile, actor=actor, now=now)
        _add_first_person(biller, person, actor, now)
        _mark()
        print(f"{name} is set up at {', '.join(hosts)}; {email} may sign in as treasurer.")
        print(f"State: {place}. Keep a copy of {place / 'keys'} apart from your backups: without")
        print("those keys nobody can open a bank account number again.")
        _tell_missing([biller])


def _refuse_used(place: Path) -> None:
    """Raises: Refused."""
    from billfold.platform.live_mark import FILE

    told = os.environ.get("BILLFOLD_MODE")
    if main.recorded_mode(place) in ("demo", "test"):
        raise Refused(f"{place} is a demo's: choose another place with --state DIR.")
    if told not in (None, "live"):
        raise Refused(f"BILLFOLD_MODE says {told}, and `init` makes a live installation: unset it.")
    if (place / FILE).exists():
        raise Refused(
            f"{place} is an installation already: `billfold biller add` makes another biller in "
            "it, --state DIR another installation."
        )


def _refuse_used_database() -> None:
    """Raises: Refused."""
    from billfold.platform import directory

    found = directory.instance()
    if found is not None:
        raise Refused(
            f"The database is a {found.mode} installation already: name an empty one in "
            "DATABASE_URL, or see `billfold hold off` if it was moved here."
        )


def _make_first(schema: str, name: str, hosts: list[str]) -> "Biller":
    """Make the first biller, or take the one that a broken-off `init` left. Raises: Refused."""
    from billfold.platform import tenancy

    tenancy.install()
    others = [each.schema for each in tenancy.billers() if each.schema != schema]
    if others:
        raise Refused(f"The database has a biller {others[0]}, left by an `init` that broke off.")
    try:
        biller = tenancy.add(schema, name, hosts)
    except tenancy.BillerExists:
        biller = tenancy.biller(schema)
    profile_keeping.begin(biller, hosts)
    return biller


def _add_first_person(biller: "Biller", person: "Person", actor: "Actor", now: datetime) -> None:
    from django.db import transaction

    from billfold.people.models import Person
    from billfold.platform import audit, tenancy
    from billfold.platform.ids import new_id

    with tenancy.use(biller), transaction.atomic():
        known = Person.objects.filter(email=person.email).first()
        person.id = known.id if known else new_id()
        person.save(force_insert=known is None, force_update=known is not None)
        audit.record(
            "staff added",
            f"person/{person.id}",
            actor=actor,
            now=now,
            after={"email": person.email, "role": person.role},
        )


def _mark() -> None:
    """Say in database and state directory that they belong together; the last step of init."""
    from django.db import connection

    from billfold.platform import live_mark, tenancy

    with tenancy.nobody(), connection.cursor() as cursor:
        live_mark.make_instance(cursor, "live")
        live_mark.write(cursor)


# -- Billers -----------------------------------------------------------------------------------


def _add_biller(arguments: argparse.Namespace) -> None:
    from billfold.platform import clock, tenancy

    name = asking.missing(arguments, "--name", "What people call it")
    arguments.host = arguments.host or [asking.missing(arguments, "--host", "Name in its address")]
    profile = _profile(arguments)
    hosts = _checked(arguments.biller, arguments.host)
    tenancy.install()
    try:
        biller = tenancy.add(arguments.biller, name, hosts)
    except tenancy.BillerExists as refusal:
        raise Refused(f"{refusal} is there already: see `billfold biller list`.") from None
    profile_keeping.begin(biller, hosts)
    profile_keeping.apply(biller, profile, actor=asking.whoever_typed(), now=clock.now())
    print(f"{biller.schema}: {name} is set up at {', '.join(hosts)}.")
    _tell_missing([biller])


def _set_biller(arguments: argparse.Namespace) -> None:
    from billfold.platform import clock, directory

    asked = ("profile", "pairs", "name", "host", "remove_host")
    if not any(getattr(arguments, name) for name in asked):
        asking.misused(arguments, "nothing to change was named")
    biller = choosing.chosen(arguments)
    profile, pairs = _profile(arguments), _pairs(arguments.pairs)
    actor, now = asking.whoever_typed(), clock.now()
    changed = profile_keeping.apply(biller, profile, actor=actor, now=now)
    changed += profile_keeping.apply(biller, pairs, actor=actor, now=now)
    if arguments.name and arguments.name != biller.name:
        directory.rename(biller, arguments.name, actor=actor, now=now)
        changed.append("name")
    served = directory.hosts(biller)
    wanted = set(served) - set(arguments.remove_host) | set(arguments.host or [])
    if wanted != set(served):
        try:
            directory.set_hosts(biller, sorted(wanted), actor=actor, now=now)
        except directory.NotAHost as refusal:
            raise Refused(_not_a_host(refusal)) from None
        except directory.HostTaken as refusal:
            raise Refused(f"Another biller is served at {refusal}.") from None
        except directory.LastHost:
            raise Refused("That would leave the biller without a host: add another.") from None
        changed.append(f"hosts: {', '.join(sorted(wanted))}")
    print(f"{biller.schema}: {'; '.join(changed) or 'nothing changed'}.")
    _tell_missing([biller])


def _list_billers(arguments: argparse.Namespace) -> None:
    from billfold.platform import directory

    billers = choosing.all_billers()
    if arguments.json:
        facts = [
            {
                "schema": biller.schema,
                "name": biller.name,
                "state": biller.state,
                "hosts": directory.hosts(biller),
                "missing": profile_keeping.missing(biller),
            }
            for biller in billers
        ]
        print(json.dumps(facts, indent=2))
        return
    for biller in billers:
        hosts = ", ".join(directory.hosts(biller))
        print(f"{biller.schema}  {biller.state.upper():4}  {biller.name}  {hosts}")
    _tell_missing(billers)


def _tell_missing(billers: Sequence["Biller"]) -> None:
    for biller in billers:
        if lacking := profile_keeping.missing(biller):
            print(f"{biller.schema} still lacks: {', '.join(lacking)}.")


# -- What was typed ----------------------------------------------------------------------------


def _checked(schema: str, hosts: Sequence[str]) -> list[str]:
    """Check the names of a new biller. Raises: Refused."""
    from billfold.platform import directory, tenancy

    if not tenancy.SCHEMA_NAME.match(schema):
        raise Refused(
            f"{schema!r} cannot name a biller: use a lower-case letter, then letters, digits and "
            "underscores, 40 at most, and no name that PostgreSQL uses itself."
        )
    try:
        return [directory.check_host(host) for host in hosts]
    except directory.NotAHost as refusal:
        raise Refused(_not_a_host(refusal)) from None


def _not_a_host(refusal: ValueError) -> str:
    return (
        f"{str(refusal)!r} is no host: write it as billing.example.com, without https:// or port."
    )


def checked_email(text: str) -> str:
    """Read an e-mail address. Raises: Refused."""
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    try:
        validate_email(text.strip())
    except ValidationError:
        raise Refused(f"{text!r} is no e-mail address.") from None
    return text.strip().lower()


def _profile(arguments: argparse.Namespace) -> "Profile":
    from billfold.cli import profile_files

    if arguments.profile is None:
        return profile_files.Profile()
    try:
        return profile_files.read(arguments.profile)
    except profile_files.Refused as refusal:
        for problem in refusal.problems:
            main.say(f"{arguments.profile.name}: {problem}")
        raise Refused(f"{arguments.profile.name} is refused whole; nothing changed.") from None


def _pairs(pairs: list[str]) -> "Profile":
    from billfold.cli import profile_files

    try:
        return profile_files.read_pairs(pairs)
    except profile_files.Refused as refusal:
        raise Refused("; ".join(str(problem) for problem in refusal.problems)) from None
