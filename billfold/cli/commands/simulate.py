"""Commands of the demo: live through days, play the bank, make the sample biller."""

import json
import logging
import threading
from typing import Final

import click
from django.conf import settings
from django.db import Error, connection

from billfold.cli import biller_option, child_processes, launcher
from billfold.cli.refusal import CommandRefused
from billfold.cli.whole_number import WholeNumber
from billfold.platform import clock, tenancy
from billfold.simulator import cedarline, days, demo, demo_story

log = logging.getLogger("billfold.simulate")
DAYS_AT_MOST: Final = 400
BANK_LOOKS_EVERY_SECONDS: Final = 2.0


def _refuse_live() -> None:
    """Refuse a live installation. Raises: CommandRefused."""
    if settings.IS_LIVE:
        raise CommandRefused("This is a live installation: its clock and its bank are real.")


@launcher.command("simulate day")
@click.option(
    "--days",
    "count",
    type=WholeNumber(f"a number from 1 to {DAYS_AT_MOST}", 1, DAYS_AT_MOST),
    default=1,
    metavar="DAYS",
    help="banking days to live (default 1)",
)
@biller_option.one
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def live_through_days(count: int, biller: str | None, as_json: bool) -> None:
    """Move the clock to a later banking day, and print what happened."""
    _refuse_live()
    served = biller_option.find(biller)
    story = days.advance(served, days=count, now=clock.now())
    now = clock.now()
    if as_json:
        at = now.isoformat(timespec="seconds")
        print(json.dumps({"biller": served.schema, "now": at, "story": story}))
    else:
        print("\n".join([*story, f"It is now {demo_story.format_moment(now)}."]))


@launcher.command("simulate accounts")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def list_accounts(as_json: bool) -> None:
    """Print which account numbers make what happen."""
    _refuse_live()
    rows = demo_story.outcome_table()
    if as_json:
        print(json.dumps([{"ending": row.ending, "happens": row.sentence} for row in rows]))
    else:
        print("The last two digits of a customer's account number decide:\n")
        print("\n".join(f"  {row.ending:9}  {row.sentence}" for row in rows))


@launcher.command("simulate bank")
def play_bank() -> None:
    """Answer files as the bank does, until stopped."""
    child_processes.follow_supervisor()
    _refuse_live()
    never = threading.Event()  # SIGTERM and Ctrl-C end the wait.
    while not never.wait(BANK_LOOKS_EVERY_SECONDS):
        try:
            for biller in tenancy.billers():
                days.run_banks(biller)
        except Error as error:
            # As the worker does: what the bank did is in its files, so it goes on from there.
            log.warning("the bank looks again, because the database did not answer: %s", error)
            connection.close()


@launcher.command("simulate brake")
@biller_option.one
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def set_brake(biller: str | None, as_json: bool) -> None:
    """Set the brake with a finding that is made up; the next run of verify lifts it."""
    _refuse_live()
    served = biller_option.find(biller)
    words = demo.set_brake(served, now=clock.now())
    if as_json:
        print(json.dumps({"biller": served.schema, "seen": words}))
    else:
        print(f"The brake of {served.schema} is set: {words}")
        print("See it in the back office, or by `billfold brake`. `billfold verify` lifts it.")


@launcher.command("demo-data")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def make_sample_biller(as_json: bool) -> None:
    """Make the sample biller, and print how to sign in."""
    _refuse_live()
    sign_ins = demo.load(clock.now())
    if as_json:
        rows = [
            {"email": who.email, "name": who.name, "role": str(who.role), "about": who.about}
            for who in sign_ins
        ]
        print(json.dumps({"password": cedarline.PASSWORD, "sign_ins": rows}))
    else:
        print(f"Sign in with the password  {cedarline.PASSWORD}  as\n")
        print("\n".join(f"  {who.email:28}{who.name:14}{who.about}" for who in sign_ins))
