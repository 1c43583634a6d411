"""How a line of a log is written: one line for each message, long numbers crossed out. Promise 23.

A log repeats what strangers write, such as an address that does not exist.
"""

from __future__ import annotations

import copy
import logging
from typing import Any

from billfold import typed_text


class MaskedFormatter(logging.Formatter):
    """Writes a record with its message on one line and masked, and its traceback masked."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record; what other formatters made of it is left alone."""
        masked = copy.copy(record)
        masked.msg, masked.args = typed_text.printable_name(record.getMessage()), None
        masked.exc_text = None
        return super().format(masked)

    def formatException(self, ei: Any) -> str:
        """Write a traceback, whose last line may quote a value."""
        return typed_text.mask_numbers(super().formatException(ei))
