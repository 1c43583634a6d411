"""Sizes and names that docs/style.md limits. Going over is a design question, not a formality."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LINE_MAX = 100
FUNCTION_MAX = 60
MODULE_MAX = 500
PARAMETERS_MAX = 6
LATE_IMPORTS_MAX = 3
"""In all of billfold/. An import inside a function hides what a module needs."""
FACES = ("billfold/formats/", "billfold/rails/")
"""Where a package file may hold what others import: the face of a format or a rail."""
MARK_FOR_A_TOOL = re.compile(r"  # (?:noqa|type: ignore)\b.*")
"""Not counted in a line's length; the linter does not count it either."""
BACKENDS = {"billfold/platform/postgres/backend/base.py", "tests/superuser/base.py"}
"""Django asks for a backend's base.py."""
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "services"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources() -> dict[str, str]:
    """Read every Python file of ours by its path; migrations are generated, so left out."""
    paths = [PROJECT / "run.py"]
    for folder in ("billfold", "tests", "bench", "fuzz"):
        paths += sorted((PROJECT / folder).rglob("*.py"))
    return {
        path.relative_to(PROJECT).as_posix(): path.read_text()
        for path in paths
        if "migrations" not in path.parts
    }


@cache
def trees() -> dict[str, ast.Module]:
    """Parse every Python file of ours once."""
    return {path: ast.parse(text) for path, text in sources().items()}


@cache
def functions() -> list[tuple[str, Function]]:
    """List every function with where it stands."""
    return [
        (f"{path}:{node.lineno} {node.name}", node)
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, Function)
    ]


def parameters(function: Function) -> Iterator[str]:
    """Name a function's parameters, leaving out the object it belongs to."""
    given = function.args
    for each in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
        if each is not None and each.arg not in {"self", "cls"}:
            yield each.arg


def test_no_line_is_longer_than_the_limit() -> None:
    long = [
        f"{path}:{number}"
        for path, text in sources().items()
        for number, line in enumerate(text.splitlines(), 1)
        if len(MARK_FOR_A_TOOL.sub("", line)) > LINE_MAX
    ]

    assert long == []


def test_no_function_is_longer_than_the_limit() -> None:
    long = [
        f"{place}: {lines} lines"
        for place, node in functions()
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_MAX
    ]

    assert long == []


def test_no_module_is_longer_than_the_limit() -> None:
    long = [
        f"{path}: {lines} lines"
        for path, text in sources().items()
        if (lines := len(text.splitlines())) > MODULE_MAX
    ]

    assert long == []


def test_no_function_takes_more_parameters_than_the_limit() -> None:
    greedy = [
        f"{place}: {taken} parameters"
        for place, node in functions()
        if (taken := len(list(parameters(node)))) > PARAMETERS_MAX
    ]

    assert greedy == []


def test_few_imports_stand_inside_functions() -> None:
    late = {
        f"{place}: line {node.lineno}"
        for place, function in functions()
        if place.startswith("billfold/")
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }

    assert len(late) <= LATE_IMPORTS_MAX, sorted(late)


def test_a_lock_that_the_server_keeps_is_named_in_one_place() -> None:
    # A name without the biller's schema makes the billers of a server wait for each other.
    takers = [
        path
        for path, text in sources().items()
        if "pg_advisory" in text and path.startswith("billfold/")
    ]

    assert [path for path in takers if not path.startswith("billfold/platform/")] == []


def test_a_package_file_is_empty_but_for_the_face_of_a_format_or_a_rail() -> None:
    full = [path for path, text in sources().items() if path.endswith("__init__.py") and text]

    assert [path for path in full if not path.startswith(FACES)] == []


def test_a_module_is_named_for_a_body_of_work() -> None:
    nameless = [
        path
        for path in sources()
        if NAMES_THAT_SAY_NOTHING & {Path(path).stem, *Path(path).parent.parts}
        and path not in BACKENDS
    ]

    assert nameless == []
