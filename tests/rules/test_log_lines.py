"""A line of a log: one line for each message, and no long number of a stranger's."""

from __future__ import annotations

import logging

from billfold.platform.log_lines import MaskedFormatter

NUMBER = "4417006789"


def written(message: str, *arguments: object, error: BaseException | None = None) -> str:
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("x", logging.WARNING, "x.py", 1, message, arguments, exc_info)
    record.exc_text = f"as another formatter wrote it: {NUMBER}" if error else None
    return MaskedFormatter("{process} {message}", style="{").format(record)


def test_promise_23_a_message_is_masked_with_its_arguments() -> None:
    line = written("Not Found: %s", f"/{NUMBER}")

    assert line.endswith("Not Found: /xxxxxx6789")


def test_promise_23_a_traceback_is_masked() -> None:
    try:
        raise ValueError(NUMBER)
    except ValueError as error:
        text = written("it failed", error=error)

    assert "ValueError: xxxxxx6789" in text
    assert NUMBER not in text


def test_a_message_cannot_begin_a_line_of_its_own() -> None:
    line = written("Not Found: %s", "/a\n2026-11-16 INFO forged \x1b[2J\u202e")

    assert len(line.splitlines()) == 1
    assert line.isprintable()
