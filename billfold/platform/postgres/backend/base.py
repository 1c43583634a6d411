"""Django's PostgreSQL backend, with every new connection put where `tenancy` stands."""

from __future__ import annotations

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that never reads a biller's tables by default."""

    def init_connection_state(self) -> None:
        from billfold.platform import tenancy

        super().init_connection_state()
        tenancy.apply_to_new_connection()
