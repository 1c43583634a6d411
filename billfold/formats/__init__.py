"""Bank files as bytes: read and proved, written, and told apart. No Django in here."""

from billfold.formats.sniffing import Format, Sniffed, sniff

__all__ = ["Format", "Sniffed", "sniff"]
