"""The command that keeps everything in, and lets it go again: hold."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from billfold.cli import asking, choosing
from billfold.cli.refusal import Refused

if TYPE_CHECKING:
    from billfold.platform.tenancy import Biller

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: "Commands") -> None:
    """Add the command."""
    hold = commands.add_parser("hold", help="let nothing leave: no file, no mail")
    kinds = hold.add_subparsers(title="kinds", metavar="KIND", required=True)
    on = kinds.add_parser("on", help="from now on, nothing leaves")
    off = kinds.add_parser("off", help="what waits may leave; makes a copy the live one")
    for parser, run in ((on, _hold), (off, _lift)):
        parser.add_argument("--biller", metavar="SCHEMA", help="which biller (default all of them)")
        parser.add_argument("--why", metavar="REASON", help="kept in the audit trail")
        parser.set_defaults(run=run, parser=parser)
    off.add_argument("--yes", action="store_true", help="ask nothing")


def _hold(arguments: argparse.Namespace) -> None:
    from billfold.platform import clock, directory

    why = asking.missing(arguments, "--why", "Why")
    billers = choosing.several(arguments)
    check_note(why, billers)
    directory.hold(billers, why=why, actor=asking.whoever_typed(), now=clock.now())
    for biller in billers:
        print(f"{biller.schema}: on HOLD. A file on its way at this moment may still arrive.")


def _lift(arguments: argparse.Namespace) -> None:
    from billfold.platform import clock, directory
    from billfold.platform.live_mark import Standing

    why = asking.missing(arguments, "--why", "Why")
    billers = choosing.several(arguments)
    check_note(why, billers)
    standing = directory.standing()
    if standing in (Standing.NOT_SET_UP, Standing.NOT_LIVE):
        raise Refused(f"HOLD stays, because {standing}.")
    _tell_waiting(billers)
    question = "All of this may leave then."
    if standing:
        question = f"On HOLD, because {standing}. {question} Make sure that no other lives."
    word = billers[0].schema if len(billers) == 1 else "all"
    asking.confirmed(arguments, question, word)
    directory.lift(billers, why=why, actor=asking.whoever_typed(), now=clock.now())
    for biller in billers:
        print(f"{biller.schema}: HOLD is lifted.")


def check_note(why: str, billers: Sequence["Biller"]) -> None:
    """Refuse a reason that may name an account: it stands in each biller's audit trail for ever."""
    from billfold.payments.cases import notes
    from billfold.platform import tenancy

    for biller in billers:
        with tenancy.use(biller):
            try:
                notes.check(why)
            except notes.NamesAnAccount:
                raise Refused(notes.REFUSED) from None


def _tell_waiting(billers: Sequence["Biller"]) -> None:
    """Say what will leave once it may."""
    from billfold.banking.models import BankFile, FileState
    from billfold.notices.models import Notice
    from billfold.payments.models import Payment
    from billfold.platform import tenancy

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
