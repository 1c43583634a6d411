"""The three logins to the database, and the setting that names the address of each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Login(StrEnum):
    """Whom Billfold signs in as; the value is Django's alias of that connection."""

    APP = "default"
    """Web and worker: takes one biller's role at a time, owns nothing, makes nothing."""
    OWNER = "owner"
    """Owns every table and makes roles: for init, migrate, billers, HOLD and restore."""
    PROOF = "proof"
    """Reads everything and writes nothing: for verify and backup."""


SETTINGS: Final = {
    Login.APP: "DATABASE_URL",
    Login.OWNER: "BILLFOLD_OWNER_DATABASE_URL",
    Login.PROOF: "BILLFOLD_PROOF_DATABASE_URL",
}


class LoginNotNamed(Exception):
    """No setting gives the address of the login that this needs; the message is the setting."""


_NOWHERE: Final = "postgresql:///billfold"


def read_addresses(environment: Mapping[str, str], *, is_live: bool) -> dict[Login, str]:
    """Read the address of each login; a live installation has only those that are named.

    In demo and test, where one address is enough to try things out, it stands for all.
    """
    addresses = {
        login: environment[name] for login, name in SETTINGS.items() if environment.get(name)
    }
    app = addresses.setdefault(Login.APP, _NOWHERE)
    return addresses if is_live else dict.fromkeys(Login, app) | addresses
