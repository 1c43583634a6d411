"""Commands about billers: biller add, set and list."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from billfold.cli import biller_option, biller_setup, command_actor, launcher, prompts
from billfold.cli.profile import files, tables
from billfold.cli.profile.files import ProfileChanges, ProfileRefused
from billfold.cli.refusal import CommandRefused
from billfold.platform import biller_directory, clock, tenancy
from billfold.platform.tenancy import Biller


@launcher.command("biller add")
@click.argument("schema", metavar="SCHEMA", help="its short name, as cedarline")
@biller_setup.naming_options
def add_biller(schema: str, name: str | None, hosts: Sequence[str], profile: Path | None) -> None:
    """Make a biller, with its profile if a file is named."""
    name = prompts.ask_if_missing(name, "--name", "What people call it")
    hosts = hosts or [prompts.ask_if_missing(None, "--host", "Name in its address")]
    changes = biller_setup.read_profile(profile)
    hosts = biller_setup.check_names(schema, hosts)
    tenancy.install()
    try:
        biller = tenancy.add(schema, name, hosts)
    except tenancy.BillerExists as error:
        raise CommandRefused(f"{error} is there already: see `billfold biller list`.") from None
    tables.begin(biller, hosts)
    tables.apply(biller, changes, actor=command_actor.identify(), now=clock.now())
    print(f"{biller.schema}: {name} is set up at {', '.join(hosts)}.")
    biller_setup.print_missing([biller])


@launcher.command("biller set")
@click.argument("pairs", nargs=-1, metavar="[FIELD=VALUE]...", help="as support_phone=…")
@biller_option.one
@click.option("--profile", type=Path, metavar="FILE.toml")
@click.option("--name", metavar="NAME", help="what the directory calls it")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="serve it there too")
@click.option(
    "--remove-host", "removed_hosts", multiple=True, metavar="NAME", help="and no longer there"
)
def set_biller(
    pairs: Sequence[str],
    biller: str | None,
    profile: Path | None,
    name: str | None,
    hosts: Sequence[str],
    removed_hosts: Sequence[str],
) -> None:
    """Change what was named of a biller."""
    if not (profile or pairs or name or hosts or removed_hosts):
        raise click.UsageError("nothing to change was named")
    name = prompts.check_line(name, "--name") if name else name
    served = biller_option.find(biller)
    in_file, in_pairs = biller_setup.read_profile(profile), _read_pairs(pairs)
    actor, now = command_actor.identify(), clock.now()
    changed = tables.apply(served, in_file, actor=actor, now=now)
    changed += tables.apply(served, in_pairs, actor=actor, now=now)
    if name and name != served.name:
        biller_directory.rename(served, name, actor=actor, now=now)
        changed.append("name")
    changed += _change_hosts(served, added=hosts, removed=removed_hosts)
    print(f"{served.schema}: {'; '.join(changed) or 'nothing changed'}.")
    biller_setup.print_missing([served])


def _change_hosts(biller: Biller, *, added: Sequence[str], removed: Sequence[str]) -> list[str]:
    """Serve a biller at other hosts; give what was changed. Raises: CommandRefused."""
    before = set(biller_directory.hosts(biller))
    after = before - set(removed) | set(added)
    if after == before:
        return []
    try:
        biller_directory.set_hosts(
            biller, sorted(after), actor=command_actor.identify(), now=clock.now()
        )
    except biller_directory.NotAHost as error:
        raise CommandRefused(biller_setup.describe_bad_host(error)) from None
    except biller_directory.HostTaken as error:
        raise CommandRefused(f"Another biller is served at {error}.") from None
    except biller_directory.LastHost:
        raise CommandRefused("That would leave the biller without a host: add another.") from None
    return [f"hosts: {', '.join(sorted(after))}"]


def _read_pairs(pairs: Sequence[str]) -> ProfileChanges:
    """Read FIELD=VALUE words. Raises: CommandRefused."""
    try:
        return files.read_pairs(pairs)
    except ProfileRefused as error:
        raise CommandRefused("; ".join(map(str, error.problems))) from None


@launcher.command("biller list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def list_billers(as_json: bool) -> None:
    """Print billers, their hosts and what each still lacks."""
    billers = biller_option.list_billers()
    if as_json:
        rows = [
            {
                "schema": biller.schema,
                "name": biller.name,
                "state": biller.state,
                "hosts": biller_directory.hosts(biller),
                "missing": tables.list_missing(biller),
            }
            for biller in billers
        ]
        print(json.dumps(rows, indent=2))
        return
    for biller in billers:
        hosts = ", ".join(biller_directory.hosts(biller))
        print(f"{biller.schema}  {biller.state.upper():4}  {biller.name}  {hosts}")
    biller_setup.print_missing(billers)
