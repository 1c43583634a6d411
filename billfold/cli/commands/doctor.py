"""The command that looks at everything around: doctor."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from billfold.cli import doctor_checks, environment, launcher
from billfold.cli.doctor_checks import DiagnosisLevel
from billfold.platform import state_directory
from billfold.platform.postgres import errors


@launcher.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="print everything, for a program")
def doctor(as_json: bool) -> int:
    """Print what is well, and what to do about the rest."""
    with _database_if_possible() as no_database:
        diagnoses = doctor_checks.diagnose(no_database=no_database)
    if as_json:
        print(json.dumps(doctor_checks.as_json(diagnoses), indent=2))
    else:
        for diagnosis in diagnoses:
            level = diagnosis.level.value.upper()
            print(f"{level:4}  {diagnosis.subject}: {diagnosis.words}")
            if diagnosis.todo:
                print(f"      {diagnosis.todo}")
    return 1 if any(each.level is DiagnosisLevel.FAIL for each in diagnoses) else 0


@contextmanager
def _database_if_possible() -> Iterator[str]:
    """Keep the database running; give why there is none, if there is none."""
    place = state_directory.default()
    if not os.environ.get("DATABASE_URL") and not place.is_dir():
        yield f"There is no installation in {place}."
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(environment.database())
        except errors.Unavailable as error:
            yield str(error)
        else:
            yield ""
