"""Sealing: encrypt what must not be read from a stolen database, with keys kept outside it.

Keys are Tink keysets in the key folder of the state directory. The context
`table|column|id` is bound to each value: a value moved to another row does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from functools import cache
from pathlib import Path

import tink
from django.conf import settings
from tink import aead, secret_key_access

aead.register()


class KeysMissing(Exception):
    """There is no key folder; `billfold init` makes it."""


class Unsealable(Exception):
    """The value cannot be decrypted with our keys in this context."""


def key_folder() -> Path:
    """Return the folder that holds every secret of this instance."""
    return Path(settings.STATE_DIR) / "keys"


def make_keys() -> None:
    """Make the key folder with new keys; keys that are there stay."""
    folder = key_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
    keyset = tink.json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN)
    _write_once(folder / "sealing.json", keyset)
    _write_once(folder / "lookup", os.urandom(32).hex())
    _write_once(folder / "web-secret", base64.urlsafe_b64encode(os.urandom(48)).decode())


def _write_once(path: Path, text: str) -> None:
    if path.exists():
        return
    new_file = path.with_name(path.name + ".new")
    with open(os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new_file.replace(path)


def _read(name: str) -> str:
    try:
        return (key_folder() / name).read_text()
    except FileNotFoundError as missing:
        raise KeysMissing(str(key_folder())) from missing


@cache
def _aead() -> aead.Aead:
    handle = tink.json_proto_keyset_format.parse(_read("sealing.json"), secret_key_access.TOKEN)
    return handle.primitive(aead.Aead)


@cache
def _lookup_key() -> bytes:
    return bytes.fromhex(_read("lookup"))


def seal(plain: bytes, *, context: str) -> bytes:
    """Encrypt `plain` for the row that `context` names. Raises: KeysMissing."""
    sealed: bytes = _aead().encrypt(plain, context.encode())
    return sealed


def unseal(sealed: bytes | memoryview, *, context: str) -> bytes:
    """Decrypt what `seal` made. Raises: KeysMissing, Unsealable."""
    try:
        plain: bytes = _aead().decrypt(bytes(sealed), context.encode())
    except tink.TinkError as error:
        raise Unsealable(context) from error
    return plain


def fingerprint(text: str, *, purpose: str) -> str:
    """Make a keyed hash for look-ups by equality: the same text gives the same 64 hex digits."""
    return hmac.new(_lookup_key(), f"{purpose}|{text}".encode(), hashlib.sha256).hexdigest()
