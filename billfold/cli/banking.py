"""Commands about bank files: check and show any, import one, set a lockbox layout beside one."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from billfold.cli import asking, bank_showing, choosing
from billfold.cli.refusal import Refused
from billfold.formats import fedach, lockbox, reading
from billfold.formats.nacha import checks
from billfold.formats.problems import Problem, Unreadable
from billfold.formats.reading import Reading

if TYPE_CHECKING:
    from billfold.banking.models import BankFile

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

STANDARD_INPUT: Final = "-"


def add(commands: "Commands") -> None:
    """Add the commands."""
    bank = commands.add_parser("bank", help="check, show and take in files of the bank")
    acts = bank.add_subparsers(title="acts", metavar="ACT", required=True)

    check = acts.add_parser("check", help="say what files are and what is wrong with them")
    check.add_argument("files", nargs="+", metavar="FILE", help="plain or gzipped; - is the input")
    check.add_argument("--json", action="store_true", help="one JSON object per file and line")
    check.add_argument(
        "--outgoing",
        action="store_true",
        help="judge Nacha files as a bank does that gets them: what is odd is wrong",
    )
    check.set_defaults(run=_check, database=False, django=False)

    show = acts.add_parser("show", help="show what a file says, for people")
    show.add_argument("file", metavar="FILE", help="plain or gzipped; - is the input")
    show.add_argument("--reveal", action="store_true", help="show bank account numbers whole")
    show.add_argument("--json", action="store_true", help="print everything, for a program")
    show.set_defaults(run=_show, database=False, django=False)

    bring = acts.add_parser("import", help="take files in as if they had been fetched")
    bring.add_argument("files", nargs="+", type=Path, metavar="FILE")
    choosing.add_option(bring)
    bring.add_argument("--json", action="store_true", help="report as JSON")
    bring.set_defaults(run=_import)

    layout = acts.add_parser("layout", help="show a lockbox file against a layout, by column")
    layout.add_argument("file", metavar="FILE", help="plain or gzipped; - is the input")
    layout.add_argument("--profile", type=Path, metavar="P.toml", help="(default the best known)")
    layout.set_defaults(run=_layout, database=False, django=False)

    directory = acts.add_parser("directory", help="load the names of banks from a FedACH file")
    directory.add_argument("file", type=Path, metavar="FILE")
    choosing.add_option(directory)
    directory.set_defaults(run=_load_directory)


def _bytes_of(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()


def _read(name: str) -> Reading:
    """Read one file; that it cannot be opened is a problem like any other."""
    try:
        content = _bytes_of(name)
    except OSError as refusal:
        words = refusal.strerror or str(refusal)
        problem = Problem("no-file", "error", 1, "", f"{words}.", "Check its name and its rights.")
        return Reading(None, None, (problem,))
    return reading.read(content)


def _check(arguments: argparse.Namespace) -> int:
    all_valid = True
    for name in arguments.files:
        found = _read(name)
        if arguments.outgoing:
            found = _as_sent(found)
        all_valid = all_valid and found.document is not None
        if arguments.json:
            print(json.dumps(_as_json(name, found)), flush=True)
        else:
            print("\n".join(_told(name, found)), flush=True)
    return 0 if all_valid else 1


def _as_sent(found: Reading) -> Reading:
    """Make an error of every warning that would keep us from writing the file."""
    problems = tuple(
        replace(problem, severity="error") if _refused_in_writing(problem) else problem
        for problem in found.problems
    )
    is_valid = all(problem.severity == "warning" for problem in problems)
    return replace(found, document=found.document if is_valid else None, problems=problems)


def _refused_in_writing(problem: Problem) -> bool:
    check = checks.BY_CODE.get(problem.code)
    return check is not None and check.on_write == "error"


def _as_json(name: str, found: Reading) -> dict[str, Any]:
    return {
        "file": name,
        "format": found.format and found.format.value,
        "valid": found.document is not None,
        "problems": [
            {
                "code": problem.code,
                "severity": problem.severity,
                "line": problem.line,
                "field": problem.field,
                "message": problem.message,
                "fix": problem.fix,
            }
            for problem in found.problems
        ],
        "summary": found.document.summary() if found.document else {},
    }


def _told(name: str, found: Reading) -> Iterator[str]:
    for problem in found.problems:
        yield f"{name}: {problem.severity}: {problem}"
    kind = found.format.value if found.format else "not recognised"
    if found.document is None:
        errors = sum(problem.severity == "error" for problem in found.problems)
        yield f"{name}: NOT VALID, {kind}: {errors} error{'s' if errors != 1 else ''}."
        return
    yield f"{name}: valid, {kind}: {bank_showing.summed_up(found.document.summary())}."


def _show(arguments: argparse.Namespace) -> int:
    found = _read(arguments.file)
    if found.document is None:
        print("\n".join(_told(arguments.file, found)), file=sys.stderr)
        return 1
    if arguments.json:
        shown = bank_showing.as_json(found.document, reveal=arguments.reveal)
        print(json.dumps({**_as_json(arguments.file, found), "document": shown}, indent=2))
        return 0
    for problem in found.problems:
        print(f"{problem.severity}: {problem}", file=sys.stderr)
    for line in bank_showing.lines(found.document, reveal=arguments.reveal):
        print(line)
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from billfold.platform import tenancy

    with tenancy.use(choosing.chosen(arguments)):
        taken = [_taken(path) for path in arguments.files]
    if arguments.json:
        print(json.dumps([_facts(path, file, is_new) for path, file, is_new in taken], indent=2))
    else:
        for path, file, is_new in taken:
            print("\n".join(_outcome(path, file, is_new=is_new)))
    return 0 if all(file.state == "read" for _, file, _ in taken) else 1


def _taken(path: Path) -> "tuple[Path, BankFile, bool]":
    """Store a file and read it, as a fetched one is."""
    from billfold.banking import connections, exchange
    from billfold.payments.incoming import intake
    from billfold.platform import clock
    from billfold.rails.protocol import Document

    now = clock.now()
    try:
        bank = connections.default()
        document = Document(path.name, path.read_bytes())
        file, is_new = exchange.store(bank, document, now=now, actor=asking.whoever_typed())
    except connections.NoBank:
        raise Refused("The biller has no bank account yet: set it up first.") from None
    except exchange.NotByHand:
        raise Refused(
            f"{path.name}: the bank's answer to a file is taken from the bank's folder only."
        ) from None
    intake.read_received(now=now)
    file.refresh_from_db(fields=["state", "problems", "entry_count"])
    return path, file, is_new


def _facts(path: Path, file: "BankFile", is_new: bool) -> dict[str, Any]:
    return {
        "file": path.name,
        "kind": file.kind,
        "sha256": file.sha256,
        "is_new": is_new,
        "state": file.state,
        "entries": file.entry_count,
        "problems": file.problems,
    }


def _outcome(path: Path, file: "BankFile", *, is_new: bool) -> Iterator[str]:
    for problem in file.problems:
        yield f"{path.name}: {problem}"
    if not is_new:
        yield f"{path.name}: these bytes are here already, as {file.name}; nothing was read twice."
    elif file.state == "read":
        yield f"{path.name}: taken in as {file.kind}."
    else:
        yield f"{path.name}: kept, and not taken in; a case says why."


def _layout(arguments: argparse.Namespace) -> int:
    content = _bytes_of(arguments.file)
    profile = _profile(arguments.profile) if arguments.profile else _nearest(content)
    print("\n".join(bank_showing.explained(lockbox.explain(content, profile))))
    return 0


def _profile(path: Path) -> lockbox.Profile:
    try:
        return lockbox.load_profile(path.read_text(encoding="utf-8"), name=path.stem)
    except UnicodeDecodeError:
        raise Refused(f"{path}: a profile is a text file in UTF-8.") from None
    except Unreadable as refusal:
        raise Refused(_all(path.name, refusal.problems)) from None


def _nearest(content: bytes) -> lockbox.Profile:
    fits: Sequence[lockbox.Fit] = lockbox.suggest(content)
    if not fits:
        raise Refused("This is no lockbox file; see `billfold bank check`.")
    return fits[0].profile


def _all(name: str, problems: Sequence[Problem]) -> str:
    return " ".join(f"{name}: {problem}" for problem in problems)


def _load_directory(arguments: argparse.Namespace) -> int:
    from billfold.banking import connections
    from billfold.platform import tenancy

    try:
        directory = fedach.read(arguments.file.read_bytes())
    except Unreadable as refusal:
        for problem in refusal.problems:
            print(f"{arguments.file.name}: {problem}", file=sys.stderr)
        raise Refused(f"{arguments.file.name} is refused whole; nothing changed.") from None
    with tenancy.use(choosing.chosen(arguments)):
        known = connections.load_directory(directory.names)
    print(f"{len(directory.names):,} routing numbers loaded; {known:,} are known now.")
    return 0
