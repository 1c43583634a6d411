"""Options that are whole numbers within limits."""

import click


class WholeNumber(click.ParamType[int]):
    """A whole number from `lowest` to `highest`; the words complete "… is not …"."""

    name = "number"

    def __init__(self, words: str, lowest: int, highest: int | None = None) -> None:
        self.words = words
        self.lowest = lowest
        self.highest = highest

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value)  # A default is a number already.
        if not (text.isascii() and text.isdecimal()) or not self._allows(int(text)):
            self.fail(f"{text!r} is not {self.words}", param, ctx)
        return int(text)

    def _allows(self, number: int) -> bool:
        return self.lowest <= number and (self.highest is None or number <= self.highest)
