"""Commands that look at bank files, with no installation: bank check, show and layout."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from billfold.cli import bank_display, launcher
from billfold.cli.refusal import CommandRefused
from billfold.formats import any_format, lockbox
from billfold.formats.any_format import ReadResult
from billfold.formats.nacha import checks
from billfold.formats.problems import FileProblem, Unreadable

STANDARD_INPUT: Final = "-"


def _read_bytes(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()


def _read(name: str) -> ReadResult:
    """Read one file; that it cannot be opened is a problem like any other."""
    try:
        content = _read_bytes(name)
    except OSError as error:
        words = error.strerror or str(error)
        problem = FileProblem(
            "no-file", "error", 1, "", f"{words}.", "Check its name and its rights."
        )
        return ReadResult(None, None, (problem,))
    return any_format.read(content)


@launcher.command("bank check")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", help="plain or gzipped; - is the input"
)
@click.option("--json", "as_json", is_flag=True, help="one JSON object per file and line")
@click.option(
    "--outgoing",
    is_flag=True,
    help="judge Nacha files as a bank does that gets them: what is odd is wrong",
)
def check(files: Sequence[str], as_json: bool, outgoing: bool) -> int:
    """Print what files are and what is wrong with them."""
    are_all_valid = True
    for name in files:
        result = _read(name)
        if outgoing:
            result = _judge_as_outgoing(result)
        are_all_valid = are_all_valid and result.document is not None
        if as_json:
            print(json.dumps(_as_json(name, result)), flush=True)
        else:
            print("\n".join(_describe(name, result)), flush=True)
    return 0 if are_all_valid else 1


def _judge_as_outgoing(result: ReadResult) -> ReadResult:
    """Make an error of every warning that would keep us from writing the file."""
    problems = tuple(
        replace(problem, severity="error") if _is_refused_in_writing(problem) else problem
        for problem in result.problems
    )
    is_valid = all(problem.severity == "warning" for problem in problems)
    return replace(result, document=result.document if is_valid else None, problems=problems)


def _is_refused_in_writing(problem: FileProblem) -> bool:
    check = checks.BY_CODE.get(problem.code)
    return check is not None and check.on_write == "error"


def _as_json(name: str, result: ReadResult) -> dict[str, Any]:
    return {
        "file": name,
        "format": result.format and result.format.value,
        "valid": result.document is not None,
        "problems": [
            {
                "code": problem.code,
                "severity": problem.severity,
                "line": problem.line,
                "field": problem.field,
                "message": problem.message,
                "fix": problem.fix,
            }
            for problem in result.problems
        ],
        "summary": result.document.summary() if result.document else {},
    }


def _describe(name: str, result: ReadResult) -> Iterator[str]:
    for problem in result.problems:
        yield f"{name}: {problem.severity}: {problem}"
    kind = result.format.value if result.format else "not recognised"
    if result.document is None:
        errors = sum(problem.severity == "error" for problem in result.problems)
        yield f"{name}: NOT VALID, {kind}: {errors} error{'s' if errors != 1 else ''}."
        return
    yield f"{name}: valid, {kind}: {bank_display.summarise(result.document.summary())}."


@launcher.command("bank show")
@click.argument("file", metavar="FILE", help="plain or gzipped; - is the input")
@click.option("--reveal", is_flag=True, help="show bank account numbers whole")
@click.option("--json", "as_json", is_flag=True, help="print everything, for a program")
def show(file: str, reveal: bool, as_json: bool) -> int:
    """Print what a file says."""
    result = _read(file)
    if result.document is None:
        print("\n".join(_describe(file, result)), file=sys.stderr)
        return 1
    if as_json:
        document = bank_display.as_json(result.document, reveal=reveal)
        print(json.dumps({**_as_json(file, result), "document": document}, indent=2))
        return 0
    for problem in result.problems:
        print(f"{problem.severity}: {problem}", file=sys.stderr)
    for line in bank_display.describe(result.document, reveal=reveal):
        print(line)
    return 0


@launcher.command("bank layout")
@click.argument("file", metavar="FILE", help="plain or gzipped; - is the input")
@click.option("--profile", type=Path, metavar="P.toml", help="(default the best known)")
def show_layout(file: str, profile: Path | None) -> None:
    """Print a lockbox file cut into the columns of a layout."""
    content = _read_bytes(file)
    layout = _load_layout(profile) if profile else _suggest_layout(content)
    print("\n".join(bank_display.describe_layout(lockbox.explain(content, layout))))


def _load_layout(path: Path) -> lockbox.LockboxProfile:
    """Load a layout from a file of one's own. Raises: CommandRefused."""
    try:
        return lockbox.load_profile(path.read_text(encoding="utf-8"), name=path.stem)
    except UnicodeDecodeError:
        raise CommandRefused(f"{path}: a profile is a text file in UTF-8.") from None
    except Unreadable as error:
        problems = (f"{path.name}: {problem}" for problem in error.problems)
        raise CommandRefused(" ".join(problems)) from None


def _suggest_layout(content: bytes) -> lockbox.LockboxProfile:
    """Choose the known layout that fits best. Raises: CommandRefused."""
    fits: Sequence[lockbox.ProfileFit] = lockbox.rank_profiles(content)
    if not fits:
        raise CommandRefused("This is no lockbox file; see `billfold bank check`.")
    return fits[0].profile
