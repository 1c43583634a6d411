"""E-mail addresses as they are typed."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from billfold.cli.refusal import CommandRefused


def check(text: str) -> str:
    """Read an e-mail address. Raises: CommandRefused."""
    try:
        validate_email(text.strip())
    except ValidationError:
        raise CommandRefused(f"{text!r} is no e-mail address.") from None
    return text.strip().lower()
