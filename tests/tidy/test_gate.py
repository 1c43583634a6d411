"""What changes the world outside stands in few places, each inside the gate."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.tidy.test_limits import trees

OUTWARD: Final = {
    ("transport", "put"): "billfold/banking/exchange.py",
    ("transport", "remove"): "billfold/banking/exchange.py",
    ("email", "send"): "billfold/notices/outbox.py",
}
"""Call -> the only module that makes it. Whoever adds a way out adds it here and to OutwardAct."""
DIRECT: Final = {
    "send_mail",
    "send_mass_mail",
    "mail_admins",
    "mail_managers",
    "send_messages",
    "sendmail",
    "send_message",
    "urlopen",
}
"""Ways out that nothing uses: each would pass the gate by."""


def calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str, str, bool]]:
    """Find each call of a method: the call, of what, which, and whether the gate is held there."""

    def visit(node: ast.AST, is_inside: bool) -> Iterator[tuple[ast.Call, str, str, bool]]:
        match node:
            case ast.With(items=items):
                is_inside |= any(ast.unparse(item).startswith("gate.open(") for item in items)
            case ast.FunctionDef(args=arguments):
                is_inside = any(
                    each.annotation is not None and ast.unparse(each.annotation) == "Passage"
                    for each in arguments.args
                )
            case ast.Call(func=ast.Attribute(value=ast.Name(id=of), attr=name)):
                yield node, of, name, is_inside
        for child in ast.iter_child_nodes(node):
            yield from visit(child, is_inside)

    yield from visit(tree, False)


def product() -> Iterator[tuple[str, ast.Module]]:
    for path, tree in trees().items():
        if path.startswith("billfold/"):
            yield path, tree


def test_promise_28_whatever_leaves_passes_the_gate():
    places: dict[tuple[str, str], set[str]] = {act: set() for act in OUTWARD}
    outside = []
    for path, tree in product():
        for call, of, name, is_inside in calls(tree):
            if (of, name) in OUTWARD:
                places[of, name].add(path)
                if not is_inside:
                    outside.append(f"{path}:{call.lineno} {of}.{name}")

    assert outside == []
    assert places == {act: {path} for act, path in OUTWARD.items()}


def test_promise_28_a_transport_is_made_where_files_move_alone():
    makers = {
        path
        for path, tree in product()
        for _, of, name, _ in calls(tree)
        if (of, name) == ("transports", "from_setting")
    }

    # The doctor only lists what waits there.
    assert makers == {"billfold/banking/exchange.py", "billfold/cli/doctor_checks.py"}


def test_promise_28_nothing_leaves_by_another_way():
    names = {
        f"{path} {node.attr if isinstance(node, ast.Attribute) else node.id}"
        for path, tree in product()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in DIRECT)
        or (isinstance(node, ast.Name) and node.id in DIRECT)
    }

    assert names == set()
