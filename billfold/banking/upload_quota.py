"""How much one person may add by hand in a day: a stolen login must not fill the disk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Sum

from billfold.banking.models import BankFile
from billfold.platform import locks

DAY: Final = timedelta(hours=24)
MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class UploadQuota:
    """The most that one person may add within a DAY."""

    files: int
    megabytes: int


def of_staff() -> UploadQuota:
    """Return the quota of each member of staff, as the installation sets it."""
    return UploadQuota(settings.UPLOAD_FILES_A_DAY, settings.UPLOAD_MEGABYTES_A_DAY)


class UploadQuotaReached(Exception):
    """With this file the person would have added more within a DAY than the quota."""

    def __init__(self, quota: UploadQuota) -> None:
        super().__init__()
        self.quota = quota


def check(quota: UploadQuota, person_id: str, size: int, *, now: datetime) -> None:
    """Refuse a file that is too much; files that are here already do not count.

    Two uploads of one person wait for each other. Needs an open transaction.
    Raises: UploadQuotaReached.
    """
    locks.until_commit(f"uploads of {person_id}")
    added = BankFile.objects.filter(
        direction="in", added_by_id=person_id, made_at__gt=now - DAY
    ).aggregate(files=Count("id"), size=Sum("size"))
    is_too_large = (added["size"] or 0) + size > quota.megabytes * MEGABYTE
    if added["files"] >= quota.files or is_too_large:
        raise UploadQuotaReached(quota)
