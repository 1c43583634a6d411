"""How a bank account is named to people, with no more of its number than the last four digits."""


def account_label(account_type: str, last4: str) -> str:
    """Write `Checking ending 6789`."""
    return f"{account_type.capitalize()} ending {last4}"
