"""How a bank account is named to people, with no more of its number than the last four digits."""


def account_label(account_type: str, last4: str) -> str:
    """Write `Checking ending 6789`."""
    return f"{account_type.capitalize()} ending {last4}"


def agreed_and_debited(agreed: str, debited: str) -> str:
    """Name the account that was agreed to, and with it the one that is debited where they differ:
    its bank sent a notice of change in between.
    """
    if debited in {"", agreed}:
        return agreed
    return f"{debited}, which its bank gave us for {agreed}"
