"""Which characters a text may hold, and how long numbers in it are masked."""

import pytest

from billfold import typed_text
from billfold.typed_text import UnfitCharacter

BIDI_CONTROLS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c"
UNSEEN = "\u00ad\u034f\u115f\u200b\u2060\u2062\u2800\u3164\ufeff\uffa0\ufff9\U000e0041"
NO_CHARACTERS = "\ud800\ue000\ufdd0\uffff\U0010ffff"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
SINHALA = "\u0dc1\u0dca\u200d\u0dbb\u0dd3"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Cedarline Communications",
        "Bj\u00f6rk Gu\u00f0mundsd\u00f3ttir",
        "\u0418\u0432\u0430\u043d \u041f\u0435\u0442\u0440\u043e\u0432",
        "\u674e\u5c0f\u9f99",
        "O\u2019Neill\u00a0& Sons",
        "Caf\u00e9 \U0001f600\ufe0f",
        PERSIAN,
        SINHALA,
        "=SUM(A1)",
        "two  blanks",
    ],
)
def test_names_of_people_everywhere_are_one_line(name: str) -> None:
    assert typed_text.check_line(name) == name


@pytest.mark.parametrize("character", [*"\0\t\n\r\x0b\x1b\x7f\x85\u2028\u2029", *BIDI_CONTROLS])
def test_a_line_holds_no_line_end_control_or_mark_that_turns_text_around(character: str) -> None:
    with pytest.raises(UnfitCharacter) as refusal:
        typed_text.check_line(f"Ab{character}c")

    assert (refusal.value.character, refusal.value.position) == (character, 3)


@pytest.mark.parametrize("character", [*UNSEEN, *NO_CHARACTERS, "\u200c", "\u200d"])
def test_a_line_holds_nothing_that_nobody_sees(character: str) -> None:
    for text in (f"Cedar{character}line", f"{character}Cedarline", f"Cedarline{character}"):
        with pytest.raises(UnfitCharacter):
            typed_text.check_line(text)


@pytest.mark.parametrize(
    "text", ["\u0645\u200c", "\u200c\u0645", "\u0645\u200c\u200c\u0645", "a\u200d\u0645"]
)
def test_a_joiner_stands_between_two_letters_that_it_joins(text: str) -> None:
    with pytest.raises(UnfitCharacter):
        typed_text.check_line(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("IV-1\u200b", "U+200B zero width space at character 5"),
        ("\ufeffIV-1", "U+FEFF zero width no-break space at character 1"),
        ("IV\n1", "U+000A line break at character 3"),
        ("a\tb", "U+0009 tab at character 2"),
        ("a\x07", "U+0007 control character at character 2"),
        ("a\uffff", "U+FFFF no character at character 2"),
        ("\u202eIV", "U+202E right-to-left override at character 1"),
    ],
)
def test_a_refusal_names_the_character_and_its_place(text: str, words: str) -> None:
    with pytest.raises(UnfitCharacter, match=f"^{words.replace('+', '.')}$"):
        typed_text.check_line(text)


def test_several_lines_may_hold_tabs_and_line_ends_and_nothing_else_unseen() -> None:
    assert typed_text.check_lines("1 Main St\r\n\tDayton\n") == "1 Main St\r\n\tDayton\n"
    for character in "\0\x0b\x0c\x85\u2028\u200b\u202e":
        with pytest.raises(UnfitCharacter):
            typed_text.check_lines(f"1 Main St{character}")


@pytest.mark.parametrize("number", ["IV-1", "INV 7", "\u00dc-77", "\u7968-9", "A/B#1"])
def test_an_id_may_be_in_any_script(number: str) -> None:
    assert typed_text.check_id(number) == number


@pytest.mark.parametrize(
    "character",
    [*"\n\t\u00a0\u2003\u3000\u200c\u200d\ufe0f\u180b\U000e0100", *UNSEEN, *BIDI_CONTROLS],
)
def test_no_two_ids_look_alike(character: str) -> None:
    with pytest.raises(UnfitCharacter):
        typed_text.check_id(f"\u0645{character}\u0645")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("/pay/4400000031", "/pay/xxxxxx0031"),
        ("/pay/4400-0000-31", "/pay/xxxx-xxx0-31"),
        ("stmt 44 0000 0031.txt", "stmt xx xxxx 0031.txt"),
        ("acct12AB345678", "xxxxxxxxxx5678"),
        ("Mobile/15E148 Safari/604.1", "Mobile/xxE148 Safari/604.1"),
        ("Chrome/142.0.7444.60", "Chrome/142.0.7444.60"),
        ("Gecko/20100101", "Gecko/20100101"),
        ("ach-20261116-A.ach", "ach-20261116-A.ach"),
        ("2026-11-16 17:00", "2026-11-16 17:00"),
        ("/x/0190b5a2-7f13-7c2a-9d11-123456789012", "/x/0190b5a2-7f13-7c2a-9d11-123456789012"),
        ("20261116123456", "xxxxxxxxxx3456"),
        ("\uff11\uff12\uff13\uff14\uff15\uff16", "xx\uff13\uff14\uff15\uff16"),
        ("page 1234", "page 1234"),
    ],
)
def test_promise_23_a_long_number_is_crossed_out_but_for_its_end(text: str, masked: str) -> None:
    assert typed_text.mask_numbers(text) == masked


def test_a_name_from_outside_is_one_line_and_loses_nothing_but_long_numbers() -> None:
    assert typed_text.printable_name("a\nb\u202ec\udcff.txt") == r"a\nb\u202ec\xff.txt"
    assert typed_text.printable_name("4417006789.txt") == "xxxxxx6789.txt"
    assert typed_text.printable_name("\u674e 1234.txt") == "\u674e 1234.txt"
