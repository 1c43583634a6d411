"""Lists every check, and the promises that cannot be checked on a running system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from billfold.payments.proof import (
    dates,
    files,
    leaks,
    limits,
    money,
    outside,
    paying_once,
    permission,
    records,
    sealed,
    sign_ins,
)
from billfold.payments.proof.check import ProofCheck

CHECKS: Final[tuple[ProofCheck, ...]] = (
    *money.CHECKS,
    *outside.CHECKS,
    *paying_once.CHECKS,
    *files.CHECKS,
    *permission.CHECKS,
    *dates.CHECKS,
    *limits.CHECKS,
    *sealed.CHECKS,
    *leaks.CHECKS,
    *sign_ins.CHECKS,
    *records.CHECKS,
)

TITLES: Final[Mapping[int, str]] = {
    1: "Balanced",
    2: "Parts equal the whole",
    3: "Nothing posted is edited",
    4: "Balances are derivable",
    5: "Whole cents",
    6: "Conservation",
    7: "Outside equals inside",
    8: "Statements join up",
    9: "Closed stays closed",
    10: "One key, one payment",
    11: "Unknown is a state",
    12: "One key for all paths",
    13: "Each outside event acts once, in any order",
    14: "Files leave once",
    15: "Returns act once",
    16: "Autopay once",
    17: "Refunds never exceed what is really there",
    18: "No debit without a live authorisation",
    19: "Dates mean banking days",
    20: "Two people for heavy acts",
    21: "Limits",
    22: "Billers never meet",
    23: "Secrets stay secret",
    24: "Nobody learns who has an account",
    25: "Everything is on record",
    26: "State and message together",
    27: "Imports are all or nothing",
    28: "Only a live instance can reach live rails",
    29: "Restore converges",
    30: "Versions overlap",
}

NOT_CHECKABLE: Final[Mapping[int, str]] = {
    11: "it is about what is done at the moment an answer is missing; tests cut the line there",
    12: "it is about which code serves which door: there is one funnel, and tests use every door",
    28: "it is about the settings of the process that sends; `billfold doctor` looks at those",
    29: "it takes a restore to see; the restore drill shows it",
    30: "it takes two versions running at once; the upgrade test runs them",
}
