"""Describing files that are of no supported format, for the person who uploaded one.

Source: the published signatures of each format.
"""

from __future__ import annotations

import re
from typing import Final

_UTF_16: Final = "UTF-16 text; save it as UTF-8"
_SIGNATURES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xff\xfe\x00\x00", "UTF-32 text; save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "UTF-32 text; save it as UTF-8"),
    (b"\xff\xfe", _UTF_16),
    (b"\xfe\xff", _UTF_16),
    (b"\x1f\x8b", "packed with gzip; unpack it first"),
    (b"PK\x05\x06", "a ZIP archive with nothing in it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh", "packed with bzip2; only gzip is unpacked"),
    (b"\xfd7zXZ\x00", "packed with xz; only gzip is unpacked"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd; only gzip is unpacked"),
    (b"\x04\x22\x4d\x18", "packed with lz4; only gzip is unpacked"),
    (b"\x1f\x9d", "packed with compress; only gzip is unpacked"),
    (b"%PDF-", "a PDF; ask for the data file it was printed from"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word document"),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"II*\x00", "a picture (TIFF)"),
    (b"MM\x00*", "a picture (TIFF)"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"\x00\x00\x00\x5001", "a file of cheque images (X9)"),
    (b"\x00\x00\x00\x50\xf0\xf1", "a file of cheque images (X9)"),
    (b"PAR1", "a Parquet table"),
)
_ENCRYPTED: Final = "an encrypted PGP message; decrypt it first"
_OFFICE: Final = ((b"xl/", "an Excel workbook"), (b"word/", "a Word document"))
_EBCDIC_LETTERS: Final = frozenset(
    {*range(0xC1, 0xCA), *range(0xD1, 0xDA), *range(0xE2, 0xEA), *range(0xF0, 0xFA), 0x40}
)
_TEXT_BEGINNINGS: Final[tuple[tuple[str, str], ...]] = (
    ("-----begin pgp message-----", _ENCRYPTED),
    ("-----begin pgp signed message-----", "a signed PGP message; take its text out first"),
    ("-----begin pgp public key", "a PGP key, not a file of the bank"),
    ("-----begin pgp private key", "a PGP private key; do not send it to anyone"),
    ("-----begin pkcs7-----", "an encrypted or signed message (PKCS 7); decrypt it first"),
    ("-----begin cms-----", "an encrypted or signed message (CMS); decrypt it first"),
    ("-----begin certificate", "a certificate, not a file of the bank"),
    ("-----begin openssh private key", "an SSH private key; do not send it to anyone"),
    ("-----begin", "a key or a certificate, not a file of the bank"),
    ("ssh-", "an SSH key, not a file of the bank"),
    ("{\\rtf", "an RTF document"),
    ("ofxheader", "OFX, an export for finance programs; it is not read"),
    ("!type:", "QIF, an export for finance programs; it is not read"),
    ("una:+", "EDIFACT; of such messages only X12 820 is read"),
    ("unb+", "EDIFACT; of such messages only X12 820 is read"),
    ("{1:f", "a SWIFT MT message; ask for ISO 20022 instead"),
    (":20:", "a SWIFT MT statement; ask for camt.053 or BAI2 instead"),
    ("mime-version:", "an e-mail; save its attachment"),
    ("received: ", "an e-mail; save its attachment"),
    ("content-type: application/pkcs7", "an encrypted message (S/MIME); decrypt it first"),
    ("content-type:", "an e-mail; save its attachment"),
)
_HTML: Final = re.compile(r"<(?:!doctype\s+html|html|head|body|script|meta|title)\b", re.IGNORECASE)
_FEDWIRE_TAG: Final = re.compile(r"\{(?:1500|1510|1520|2000|3100|3400|3600)\}")
_XML_ROOT: Final = re.compile(r"<([A-Za-z_][\w.-]{0,60}(?::[\w.-]{1,60})?)[\s/>]")
_SEPARATORS: Final = {
    ",": "CSV",
    ";": "CSV with semicolons",
    "\t": "CSV with tabs",
    "|": "CSV with bars",
}


def describe_binary(head: bytes, tail: bytes) -> str:
    """Describe a file that is not text by its first and last bytes; empty if it may be text."""
    if not head:
        return "empty"
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        return "blank: it begins with thousands of blanks" if tail.strip() else "blank"
    return _by_signature(head, tail) or _by_bytes(head)


def _by_signature(head: bytes, tail: bytes) -> str:
    """Describe a file by its signature; empty if it has no known one."""
    for signature, description in _SIGNATURES:
        if head.startswith(signature):
            return description
    if head.startswith(b"PK\x03\x04"):
        names = head + tail
        return next(
            (description for mark, description in _OFFICE if mark in names), "a ZIP archive"
        )
    return "a tar archive" if head[257:262] == b"ustar" else ""


def _by_bytes(head: bytes) -> str:
    """Describe bytes without a signature that are not text either; empty if they are text."""
    size, nulls = len(head), head.count(0)
    controls = nulls + sum(head.count(byte) for byte in (*range(1, 9), *range(14, 27)))
    letters = sum(byte in _EBCDIC_LETTERS for byte in head[:400])
    if nulls == size:
        return "nothing but zero bytes: the transfer may have failed"
    if nulls * 3 > size and 0 in {head[::2].count(0), head[1::2].count(0)}:
        return _UTF_16
    if _is_encrypted(head):
        return _ENCRYPTED
    if b"\n" not in head and not head.isascii() and letters > 0.85 * len(head[:400]):
        return "EBCDIC text; ask for ASCII"
    return "no text but binary data" if controls * 10 > size else ""


def _is_encrypted(head: bytes) -> bool:
    """Tell whether a PGP message begins here: a packet of a key or of data, by tag and version.

    Source: RFC 9580, sections 4.2 (headers) and 5 (packet types).
    """
    first, second = head[0], head[1] if len(head) > 1 else 0
    if first >= 0xC0:
        tag, at = first & 0x3F, 2 if second < 192 else 3 if second < 224 else 6
    elif first >= 0x80:
        tag, at = first >> 2 & 0x0F, (2, 3, 5, 1)[first & 3]
    else:
        return False
    versions = {1: b"\x03\x06", 3: b"\x04\x05\x06", 18: b"\x01\x02"}
    return bool(head[at : at + 1]) and head[at] in versions.get(tag, b"")


def describe_text(text: str) -> str:
    """Describe a text that is of no supported format."""
    start = text[:200].lower()
    for beginning, description in _TEXT_BEGINNINGS:
        if start.startswith(beginning):
            return description
    if text.startswith("<"):
        return _describe_markup(text)
    if _FEDWIRE_TAG.search(text):
        return (
            "looks like a wire advice with tags of Fedwire, in a form that is not read: it must "
            "begin with {1100} or {1500}, or with a short prefix in capitals before that"
        )
    if text[0] in "{[":
        return "JSON; of JSON only a FedACH directory is read"
    if start.startswith(("status: accepted", "status: rejected")):
        return "looks like a bank's acknowledgement; it is taken in by the connection only"
    return _describe_table(text) or "text, but no bank format known here"


def _describe_markup(text: str) -> str:
    if _HTML.search(text[:2_000]):
        return "a web page (HTML): was a sign-in page saved instead of the file?"
    if "<OFX>" in text:
        return "OFX, an export for finance programs; it is not read"
    root = _XML_ROOT.search(text)
    if root is None:
        return "XML, but no message of ISO 20022 begins in its first kilobytes"
    return f"XML, but no message of ISO 20022: its root is {root[1]}"


def _describe_table(text: str) -> str:
    """Describe a text whose lines all have the same separators, so a table; empty if it is none."""
    lines = [line for line in text.splitlines() if line.strip()][:20]
    for separator, description in _SEPARATORS.items():
        counts = {line.count(separator) for line in lines}
        if len(lines) > 1 and 0 not in counts and len(counts) <= 1 + len(lines) // 4:
            return f"{description}; no bank format known here is a table"
    return ""
