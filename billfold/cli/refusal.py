"""The one way a command says no."""


class Refused(Exception):
    """An anticipated refusal: its message is one line for whoever typed the command."""
