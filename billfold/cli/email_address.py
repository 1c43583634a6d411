"""E-mail addresses as they are typed."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from billfold import typed_text
from billfold.cli.refusal import CommandRefused
from billfold.typed_text import UnfitCharacter


def check(text: str) -> str:
    """Read an e-mail address. Raises: CommandRefused."""
    try:
        typed_text.check_id(text)
        validate_email(text.strip())
    except UnfitCharacter as refusal:
        raise CommandRefused(f"The e-mail address holds {refusal}: remove it.") from None
    except ValidationError:
        raise CommandRefused(f"{text!r} is no e-mail address.") from None
    return text.strip().lower()
