"""The application's connection in stories: it acts as the application's login, and can stop to.

Stories break the books on purpose, in the transaction that is rolled back afterwards. So the
superuser signs in, and then has the rights of the application's login until a story needs all
(`tests.privilege`).
"""

from __future__ import annotations

from typing import Any

from psycopg import sql

from billfold.platform.postgres.backend import base
from billfold.platform.postgres.server import SUPERUSER


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection of the superuser with the rights of the login that the settings name."""

    def get_connection_params(self) -> dict[str, Any]:
        return super().get_connection_params() | {"user": SUPERUSER}

    def init_connection_state(self) -> None:
        login = sql.Identifier(self.settings_dict["USER"])
        with self.connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(login))
        super().init_connection_state()
