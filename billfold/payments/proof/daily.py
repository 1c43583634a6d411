"""What follows from a run of `verify`: a finding sets the brake, a clean run lifts it.

The worker runs it once a day by itself, and whoever types the command runs it then.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from billfold.bankdays import EASTERN
from billfold.payments.models import ProofRun
from billfold.payments.outgoing import return_limits
from billfold.payments.proof import report
from billfold.payments.proof.report import ProofReport
from billfold.platform import audit, brake, clock, tenancy
from billfold.platform.models import BrakeKind

HAS_WORK: Final = "NOT EXISTS (SELECT FROM payments_proofrun WHERE day = %(today)s)"
_VERIFY: Final = audit.job("verify")


def run(biller: tenancy.Biller, *, now: datetime) -> None:
    """Prove every promise unless that was done today, and act on what is found."""
    day = now.astimezone(EASTERN).date()
    if ProofRun.objects.filter(day=day).exists():
        return
    return_limits.watch(now=now)
    proof = report.run(biller, now=now)
    act_on(proof, now=max(now, clock.now()))
    # Written last: a run that was cut short is begun again.
    ProofRun.objects.get_or_create(day=day, defaults={"at": now, "broken": proof.broken})


def act_on(proof: ProofReport, *, now: datetime) -> None:
    """Set the brake for what is found and was not allowed; lift it if nothing is found any more.

    `now`: after the run, which may take a minute; a brake that was set meanwhile is not lifted.
    """
    brake.observe(
        BrakeKind.FINDING,
        _findings(proof),
        lifts_when_clean=True,
        actor=_VERIFY,
        seen_at=proof.at,
        now=now,
    )


def _findings(proof: ProofReport) -> dict[str, str]:
    """Put each violation in words, by a key that is the same whenever the same is found."""
    findings = {}
    for promise in proof.promises:
        for result in promise.results:
            for words in result.violations.kept:
                key = hashlib.sha256(f"{result.title}|{words}".encode()).hexdigest()[:16]
                findings[f"{promise.promise}/{key}"] = f"Promise {promise.promise}: {words}"
            others = result.violations.count - len(result.violations.kept)
            if others:
                words = f"Promise {promise.promise}: {result.title}: not so {others} times more"
                findings[words] = words
    return findings
