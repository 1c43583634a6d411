"""The command that proves the promises on the running system: verify."""

import json

import click
from django.db import OperationalError

from billfold.cli import biller_option, launcher
from billfold.cli.refusal import CommandRefused
from billfold.payments.proof import daily, report
from billfold.payments.proof.report import ProofReport
from billfold.platform import clock, tenancy
from billfold.platform.tenancy import Biller


@launcher.command("verify")
@click.option("--json", "as_json", is_flag=True, help="print everything, for a program")
@biller_option.one_or_all
def verify(as_json: bool, biller: str | None) -> int:
    """Check every promise, and print those that are broken."""
    billers = biller_option.find_all(biller)
    reports = [_prove(checked) for checked in billers]
    is_clean = all(one.is_clean for one in reports)
    if as_json:
        rows = [one.as_json() for one in reports]
        print(json.dumps({"is_clean": is_clean, "billers": rows}, indent=2))
    else:
        for one in reports:
            print("\n".join(_describe(one)))
    return 0 if is_clean else 1


def _prove(biller: Biller) -> ProofReport:
    """Prove a biller's promises; a finding sets its brake, and none lifts it.

    Raises: CommandRefused.
    """
    try:
        proof = report.run(biller, now=clock.now())
    except OperationalError as error:
        raise CommandRefused(
            f"The database broke off, so nothing is known of {biller.schema}: run it again."
        ) from error
    with tenancy.use(biller):
        daily.act_on(proof, now=clock.now())
    return proof


def _describe(proof: ProofReport) -> list[str]:
    """Put a report in lines: the broken promises with their first offenders, then the sum."""
    lines = []
    for promise in proof.promises:
        if not promise.offenders:
            continue
        lines.append(f"{proof.schema}: promise {promise.promise}, {promise.title}: BROKEN")
        for check in promise.results:
            if check.violations.count:
                lines.append(f"  not so: {check.title}; {check.violations.count} found")
                lines += [f"    {words}" for words in check.violations.first]
    checks = sum(len(promise.results) for promise in proof.promises)
    verdict = f"{len(proof.broken)} broken" if proof.broken else "all kept"
    lines.append(
        f"{proof.schema}: {len(proof.promises)} promises, {verdict} "
        f"({checks} checks, {proof.seconds:.1f} s)"
    )
    return lines
