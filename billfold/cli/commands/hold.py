"""The commands that keep everything in, and let it go again: hold on and off."""

import json
from collections.abc import Sequence

import click

from billfold.banking.models import BankFile, FileState
from billfold.cli import biller_option, command_actor, launcher, prompts, reason
from billfold.cli.refusal import CommandRefused
from billfold.notices.models import Notice
from billfold.payments.models import Payment
from billfold.platform import biller_directory, clock, tenancy
from billfold.platform.live_mark import MarkStatus
from billfold.platform.tenancy import Biller


@launcher.command("hold on")
@biller_option.one_or_all
@click.option("--why", metavar="REASON", help="kept in the audit trail")
@click.option("--json", "as_json", is_flag=True, help="report as JSON")
def hold(biller: str | None, why: str | None, as_json: bool) -> None:
    """Let nothing leave from now on; end once nothing is on its way any more."""
    why = prompts.ask_if_missing(why, "--why", "Why")
    billers = biller_option.find_all(biller)
    check_note(why, billers)
    waited_for: dict[str, list[str]] = {held.schema: [] for held in billers}

    def say_what_is_on_its_way(held: Biller, acts: Sequence[str]) -> None:
        waited_for[held.schema] = list(acts)
        if not as_json:
            print(f"{held.schema}: HOLD is set; waiting for: {', '.join(acts)} ...", flush=True)

    biller_directory.hold(
        billers,
        why=why,
        actor=command_actor.identify(),
        now=clock.now(),
        on_wait=say_what_is_on_its_way,
    )
    if as_json:
        print(json.dumps({"hold": True, "waited_for": waited_for}, indent=2))
        return
    for held in billers:
        print(f"{held.schema}: on HOLD. Nothing is on its way, and nothing leaves.")


@launcher.command("hold off")
@biller_option.one_or_all
@click.option("--why", metavar="REASON", help="kept in the audit trail")
@click.option("--yes", is_flag=True, help="ask nothing")
def lift(biller: str | None, why: str | None, yes: bool) -> None:
    """Let what waits leave, once somebody has confirmed it."""
    why = prompts.ask_if_missing(why, "--why", "Why")
    billers = biller_option.find_all(biller)
    check_note(why, billers)
    standing = biller_directory.mark_status()
    if standing in (MarkStatus.NOT_SET_UP, MarkStatus.NOT_LIVE):
        raise CommandRefused(f"HOLD stays, because {standing}.")
    _print_what_waits(billers)
    if not yes:
        _confirm(billers, standing)
    biller_directory.lift_hold(billers, why=why, actor=command_actor.identify(), now=clock.now())
    for lifted in billers:
        print(f"{lifted.schema}: HOLD is lifted.")


def _confirm(billers: Sequence[Biller], standing: MarkStatus) -> None:
    question = "All of this may leave then."
    if standing:
        question = f"On HOLD, because {standing}. {question} Make sure that no other lives."
    prompts.confirm(question, billers[0].schema if len(billers) == 1 else "all")


def check_note(why: str, billers: Sequence[Biller]) -> None:
    """Refuse a reason that may name an account: it stands in each biller's audit trail for ever.

    Raises: CommandRefused.
    """
    for biller in billers:
        with tenancy.use(biller):
            reason.check(why)


def _print_what_waits(billers: Sequence[Biller]) -> None:
    """Print what will leave once it may."""
    for biller in billers:
        with tenancy.use(biller):
            files = BankFile.objects.filter(
                direction="out", state__in=[FileState.RELEASED, FileState.SENDING]
            ).count()
            payments = Payment.objects.filter(state="scheduled").count()
            notices = Notice.objects.filter(sent_at=None).count()
        print(
            f"{biller.schema}: waiting are {files} released files, {payments} scheduled payments "
            f"and {notices} messages."
        )
