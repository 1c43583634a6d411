"""Commands that look and change nothing: verify, doctor."""

import argparse
import json
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from billfold.cli import choosing, main
from billfold.platform import state
from billfold.platform.postgres import refusals

if TYPE_CHECKING:
    from billfold.payments.proof.report import Report

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: "Commands") -> None:
    """Add the commands."""
    verify = commands.add_parser("verify", help="prove that no promise is broken; exit 1 if one is")
    verify.add_argument("--json", action="store_true", help="print everything, for a program")
    verify.add_argument("--biller", metavar="SCHEMA", help="which biller (default all of them)")
    verify.set_defaults(run=_verify)

    doctor = commands.add_parser("doctor", help="look at everything around: keys, server, bank")
    doctor.add_argument("--json", action="store_true", help="print everything, for a program")
    doctor.set_defaults(run=_doctor, database=False, django=False)


def _verify(arguments: argparse.Namespace) -> int:
    from billfold.payments.proof import report
    from billfold.platform import clock

    reports = [report.run(each, now=clock.now()) for each in choosing.several(arguments)]
    is_clean = all(each.is_clean for each in reports)
    if arguments.json:
        billers = [each.as_json() for each in reports]
        print(json.dumps({"is_clean": is_clean, "billers": billers}, indent=2))
    else:
        for each in reports:
            print("\n".join(_told(each)))
    return 0 if is_clean else 1


def _told(found: "Report") -> list[str]:
    """Put a report in lines: the broken promises with their first offenders, then the sum."""
    lines = []
    for kept in found.promises:
        if not kept.offenders:
            continue
        lines.append(f"{found.schema}: promise {kept.promise}, {kept.title}: BROKEN")
        for each in kept.checked:
            if each.found.count:
                lines.append(f"  not so: {each.title}; {each.found.count} found")
                lines += [f"    {words}" for words in each.found.first]
    checks = sum(len(kept.checked) for kept in found.promises)
    verdict = f"{len(found.broken)} broken" if found.broken else "all kept"
    lines.append(
        f"{found.schema}: {len(found.promises)} promises, {verdict} "
        f"({checks} checks, {found.seconds:.1f} s)"
    )
    return lines


def _doctor(arguments: argparse.Namespace) -> int:
    refusal = ""
    with ExitStack() as stack:
        if not os.environ.get("DATABASE_URL") and not state.default().is_dir():
            refusal = f"There is no installation in {state.default()}."
        else:
            try:
                stack.enter_context(main.database())
            except refusals.Unavailable as refused:
                refusal = str(refused)
        main.set_up_django()
        from billfold.cli import probes

        found = probes.everything(no_database=refusal)
    if arguments.json:
        print(json.dumps(probes.as_json(found), indent=2))
    else:
        for each in found:
            print(f"{each.level.value.upper():4}  {each.subject}: {each.words}")
            if each.todo:
                print(f"      {each.todo}")
    return 1 if any(each.level is probes.Level.FAIL for each in found) else 0
