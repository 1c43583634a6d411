"""Django's PostgreSQL backend; every new connection serves the present biller, or none."""

from __future__ import annotations

from django.db.backends.postgresql import base

from billfold.platform import tenancy


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that never reads a biller's tables by default."""

    def init_connection_state(self) -> None:
        super().init_connection_state()
        tenancy.apply_to_new_connection(self)
