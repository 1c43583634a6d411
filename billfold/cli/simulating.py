"""Commands of the demo: live through days, play the bank, make the sample biller."""

import argparse
import json
import threading
from typing import TYPE_CHECKING, Final

from billfold.cli import choosing, supervision
from billfold.cli.refusal import Refused

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DAYS_AT_MOST: Final = 400
BANK_LOOKS_EVERY_SECONDS: Final = 2.0


def add(commands: "Commands") -> None:
    """Add the commands."""
    simulate = commands.add_parser("simulate", help="move a demo's clock, play its bank")
    kinds = simulate.add_subparsers(title="kinds", metavar="KIND", required=True)
    day = kinds.add_parser("day", help="live until 09:00 Eastern of the next banking day")
    day.add_argument("--days", type=_days, default=1, help="banking days to live (default 1)")
    choosing.add_option(day)
    day.add_argument("--json", action="store_true", help="print JSON")
    day.set_defaults(run=_live)

    accounts = kinds.add_parser("accounts", help="which account numbers make what happen")
    accounts.add_argument("--json", action="store_true", help="print JSON")
    accounts.set_defaults(run=_show_accounts, database=False)

    bank = kinds.add_parser("bank", help="be the simulated bank until stopped")
    bank.set_defaults(run=_be_the_bank)

    data = commands.add_parser("demo-data", help="make the sample biller of the demo")
    data.add_argument("--json", action="store_true", help="print JSON")
    data.set_defaults(run=_make_demo, founds=True)


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= DAYS_AT_MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {DAYS_AT_MOST}")
    return int(text)


def _refuse_live() -> None:
    """Raises: Refused."""
    from django.conf import settings

    if settings.IS_LIVE:
        raise Refused("This is a live installation: its clock and its bank are real.")


def _live(arguments: argparse.Namespace) -> None:
    _refuse_live()
    from billfold.platform import clock
    from billfold.simulator import days, telling

    biller = choosing.chosen(arguments)
    story = days.advance(biller, days=arguments.days, now=clock.now())
    now = clock.now()
    if arguments.json:
        at = now.isoformat(timespec="seconds")
        print(json.dumps({"biller": biller.schema, "now": at, "story": story}))
    else:
        print("\n".join([*story, f"It is now {telling.moment(now)}."]))


def _show_accounts(arguments: argparse.Namespace) -> None:
    _refuse_live()
    from billfold.simulator import telling

    rows = telling.table()
    if arguments.json:
        print(json.dumps([{"ending": row.ending, "happens": row.sentence} for row in rows]))
    else:
        print("The last two digits of a customer's account number decide:\n")
        print("\n".join(f"  {row.ending:9}  {row.sentence}" for row in rows))


def _be_the_bank(_arguments: argparse.Namespace) -> None:
    supervision.follow_supervisor()
    _refuse_live()
    from billfold.platform import tenancy
    from billfold.simulator import days

    never = threading.Event()  # SIGTERM and Ctrl-C end the wait.
    while not never.wait(BANK_LOOKS_EVERY_SECONDS):
        for biller in tenancy.billers():
            days.keep_banks(biller)


def _make_demo(arguments: argparse.Namespace) -> None:
    _refuse_live()
    from billfold.platform import clock
    from billfold.simulator import cedarline, demo

    sign_ins = demo.load(clock.now())
    if arguments.json:
        rows = [
            {"email": who.email, "name": who.name, "role": str(who.role), "about": who.about}
            for who in sign_ins
        ]
        print(json.dumps({"password": cedarline.PASSWORD, "sign_ins": rows}))
    else:
        print(f"Sign in with the password  {cedarline.PASSWORD}  as\n")
        print("\n".join(f"  {who.email:28}{who.name:14}{who.about}" for who in sign_ins))
