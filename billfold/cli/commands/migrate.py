"""The command that brings every biller up to this version: migrate."""

from django.conf import settings
from django.db import connection

from billfold.cli import launcher
from billfold.platform import live_mark, sealing, tenancy


@launcher.command("migrate")
def migrate() -> None:
    """Bring the directory and every biller up to this version."""
    if not settings.IS_LIVE:
        sealing.make_keys()  # A live instance gets its keys from `billfold init`, once.
    tenancy.install()
    if not settings.IS_LIVE:
        with tenancy.as_owner(None), connection.cursor() as cursor:
            live_mark.make_instance(cursor, settings.MODE)
    for biller in tenancy.billers():
        tenancy.migrate(biller)
        print(f"{biller.schema}: up to date", flush=True)
