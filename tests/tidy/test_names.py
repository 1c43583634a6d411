"""Names that docs/style.md rules out: results named for how they came, classes sharing a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.tidy.test_limits import trees

RIDDLES = {"found", "asked", "made", "told", "shown", "said"}
"""They say how a result came and not what it is."""

SAME_NAME = {
    "Account": "the row of ledger.chart's pure value",
    "Transfer": "the row of ledger.transfer's pure value",
}
"""Classes of one name and why they share it; each of the others has a name of its own."""


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Find every name the code gives: to variables, parameters, attributes, functions."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.keyword(arg=str(name)):
                yield node.lineno, name


def classes() -> dict[str, list[str]]:
    """List where each class of the product stands, by its name without a leading underscore."""
    places = defaultdict(list)
    for path, tree in trees().items():
        if not path.startswith("billfold/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name != "Meta":
                places[node.name.lstrip("_")].append(path)
    return places


def test_every_way_to_give_a_name_is_seen() -> None:
    code = "def made(said): asked = told = 1; a.shown = 2; f(found=3)"

    assert {name for _, name in named(ast.parse(code))} >= RIDDLES


def test_a_result_is_named_for_what_it_is() -> None:
    riddles = [
        f"{path}:{line} {name}"
        for path, tree in trees().items()
        for line, name in named(tree)
        if name.lstrip("_") in RIDDLES
    ]

    assert riddles == []


def test_a_class_name_means_one_thing() -> None:
    shared = {name: where for name, where in classes().items() if len(where) > 1}

    assert {name: where for name, where in shared.items() if name not in SAME_NAME} == {}


def test_every_name_said_to_be_shared_is() -> None:
    assert [name for name in SAME_NAME if len(classes().get(name, ())) < 2] == []
