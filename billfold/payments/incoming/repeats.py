"""Recognises a file that says what an earlier one said, in another dress.

The same bytes are recognised by their hash before they are read. Other line ends, blank lines,
padding or another time in the header make other bytes of the same facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from billfold.banking.models import BankFile, FileRepeat
from billfold.platform import sealing
from billfold.platform.ids import new_id

_PURPOSE: Final = "facts of a bank file"


def note(file: BankFile, facts: Iterable[tuple[object, ...]], *, now: datetime) -> bool:
    """Note a file as the repeat of an earlier one with the same facts; tell whether it is one.

    A file without facts repeats nothing; only one that was read has its fingerprint. Needs an open
    transaction.
    """
    lines = sorted(repr(fact) for fact in facts)
    if not lines:
        return False
    file.facts_fingerprint = sealing.fingerprint("\n".join(lines), purpose=_PURPOSE)
    alike = BankFile.objects.filter(
        direction="in", kind=file.kind, facts_fingerprint=file.facts_fingerprint
    )
    earlier = alike.exclude(pk=file.pk).order_by("made_at", "id").first()
    if earlier is None:
        return False
    FileRepeat.objects.get_or_create(
        file=earlier, name=file.name, defaults={"id": new_id(), "at": now}
    )
    file.problems = [f"It says what {earlier.name} said already, so nothing new follows from it."]
    return True
