"""No test is timed: what must be quick is measured in bench/, where nothing fails by a busy day."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
MAY_LOOK_AT_A_STOPWATCH = {
    "waiting.py": "waits for all others",
    "rules/formats/test_sniffing.py": "compares a large file with a small one, in turn",
}
STOPWATCHES = {"sleep", "monotonic", "perf_counter", "process_time", "thread_time"}
WAITS = {"communicate", "join", "poll", "result", "wait"}


@cache
def calls() -> list[tuple[str, ast.Call]]:
    """List every call in a test with the file it stands in."""
    return [
        (path.relative_to(TESTS).as_posix(), node)
        for path in sorted(TESTS.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]


def method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def limits(call: ast.Call) -> Iterator[ast.expr]:
    """Name what says how long a call may wait."""
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "timeout")
    if method(call) in WAITS:
        yield from call.args


def is_number(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, int | float)


def test_no_test_looks_at_a_stopwatch_or_sleeps() -> None:
    timed = {
        f"{path}:{call.lineno}"
        for path, call in calls()
        if method(call) in STOPWATCHES and path not in MAY_LOOK_AT_A_STOPWATCH
    }

    assert timed == set()


def test_no_wait_has_a_limit_of_its_own() -> None:
    hurried = {
        f"{path}:{call.lineno}"
        for path, call in calls()
        if any(is_number(limit) for limit in limits(call))
    }

    assert hurried == set(), "see HUNG_AFTER_SECONDS in tests/waiting.py"


def test_no_property_fails_for_slow_examples() -> None:
    judged = {
        f"{path}:{call.lineno}"
        for path, call in calls()
        for keyword in call.keywords
        if keyword.arg == "suppress_health_check" and path != "environment.py"
        if ast.unparse(keyword.value) != "SHARING_A_FIXTURE"
    }

    assert judged == set(), "see SHARING_A_FIXTURE in tests/environment.py"
