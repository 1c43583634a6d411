"""Notices about banks and mail servers that do not answer, on the pages where something waits."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from billfold.office import moments
from billfold.pages.view_models import NoticeBox
from billfold.platform.models import Silence

FILE_JOBS: Final = frozenset({"send", "fetch"})
MAIL_JOBS: Final = frozenset({"mail"})
_WORDS: Final = {
    "send": ("{far_side}: the bank does not take files", "Files wait; none is lost."),
    "fetch": ("{far_side}: the bank shows us no files", "What it leaves for us is fetched later."),
    "mail": ("The mail server does not answer", "Messages wait; none is lost."),
}


def build(jobs: Collection[str], *, now: datetime) -> tuple[NoticeBox, ...]:
    """Make a notice for each far side that gave one of these jobs no answer at its last try."""
    silences = Silence.objects.filter(job__in=jobs).order_by("since", "far_side", "job")
    return tuple(_notice(silence, now=now) for silence in silences)


def _notice(silence: Silence, *, now: datetime) -> NoticeBox:
    title, consequence = _WORDS[silence.job]
    since = moments.in_full(silence.since, now=now)
    next_try = moments.in_full(silence.next_try_at, now=now)
    tries = "once" if silence.tries == 1 else f"{silence.tries:,} times"
    return NoticeBox(
        icon="warn",
        tone="warn",
        title=title.format(far_side=silence.far_side),
        text=f"Tried {tries} since {since}: {silence.reason}. {consequence} "
        f"The next try is at {next_try}.",
    )
