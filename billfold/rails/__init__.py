"""The rails: ways money reaches the biller, each a module with the functions of its protocol."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billfold.rails import ach, lockbox, wire
    from billfold.rails.protocol import PullRail, Rail

    # The type checker compares each module with its protocol.
    _RAILS: tuple[Rail, ...] = (ach, lockbox, wire)
    _PULL_RAILS: tuple[PullRail, ...] = (ach,)
