"""Reading, checking, writing and recognising bank files, as bytes. Knows no Django.

The face of the package: `sniff` recognises the format of a file.
"""

from billfold.formats.sniffing import Format, SniffResult, sniff

__all__ = ["Format", "SniffResult", "sniff"]
