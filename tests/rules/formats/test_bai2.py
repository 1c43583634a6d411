"""BAI2 statements: read whole and proved, or refused with every reason."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold.formats import bai2
from billfold.formats.bai2 import END_OF_DAY, AsOfDateModifier, Funds, GroupStatus, type_codes
from billfold.formats.bai2.type_codes import Direction
from billfold.formats.problems import Unreadable
from tests import places

FILES = places.FILES / "bai2"
PRIOR_DAY = (FILES / "synthetic-prior-day-lockbox-wire-ach.bai").read_bytes()
INTRADAY = (FILES / "synthetic-intraday-wires.bai").read_bytes()


def statement(*lines: str, total: int = 0) -> bytes:
    """Wrap the lines of one account, whose amounts add up to `total`, in a file that holds."""
    count = len(lines)
    lines_of_file = [
        "01,BANK,BILLER,261120,0400,1,,,2/",
        "02,BILLER,BANK,1,261120,2359,USD,2/",
        *lines,
        f"49,{total},{count + 1}/",
        f"98,{total},1,{count + 3}/",
        f"99,{total},1,{count + 5}/",
    ]
    return "\n".join(lines_of_file).encode()


def only_account(content: bytes) -> bai2.Bai2Account:
    ((account,),) = [group.accounts for group in bai2.read(content).groups]
    return account


def only_transaction(*lines: str, total: int = 600) -> bai2.Bai2Transaction:
    (transaction,) = only_account(statement("03,001,USD/", *lines, total=total)).transactions
    return transaction


def refusals(content: bytes) -> list[tuple[str, int]]:
    with pytest.raises(Unreadable) as refusal:
        bai2.read(content)
    assert all(problem.message and problem.fix for problem in refusal.value.problems)
    return [(problem.code, problem.line) for problem in refusal.value.problems]


def test_a_prior_day_statement_is_read_to_the_last_field():
    read = bai2.read(PRIOR_DAY)

    assert (read.sender, read.receiver, read.file_id) == ("043000096", "EXAMPLETEL", "1")
    assert (read.created_date, read.created_time) == (date(2026, 11, 20), time(4))
    (group,) = read.groups
    assert (group.receiver, group.originator) == ("EXAMPLETEL", "043000096")
    assert group.status is GroupStatus.UPDATE
    assert group.modifier is AsOfDateModifier.FINAL_PRIOR_DAY
    assert (group.as_of_date, group.as_of_time) == (date(2026, 11, 20), time(23, 59))
    (account,) = group.accounts
    assert (account.number, account.currency) == ("5550123456", "USD")
    assert account.balance_minor("015") == 2218117
    assert account.balance_minor("045") is None
    assert [balance.item_count for balance in account.balances] == [None, None, 6, 2]


def test_the_transactions_of_a_day_add_up_to_its_balances():
    account = only_account(PRIOR_DAY)

    credits, debits = (
        sum(each.amount_minor for each in account.transactions if each.direction is direction)
        for direction in (Direction.CREDIT, Direction.DEBIT)
    )

    assert (credits, debits) == (728117, 10000)
    opening, closing = account.balance_minor("010"), account.balance_minor("015")
    assert opening + credits - debits == closing


def test_a_text_goes_on_over_its_continuations():
    remittance = only_account(PRIOR_DAY).transactions[2]

    assert remittance.bank_reference == "091000010000451"
    assert remittance.customer_reference == ""
    assert remittance.text.endswith("CO ID:9 876543210 CCD PMT INFO:ACCT 200002 INV 90010046")
    assert "CO ID:9876543210 CCD" in remittance.unbroken_text
    assert remittance.line == 8


def test_a_statement_is_summed_up():
    assert bai2.read(PRIOR_DAY).summary() == {
        "groups": 1,
        "accounts": 1,
        "entries": 8,
        "debit_minor": 10000,
        "credit_minor": 728117,
        "currency": "USD",
    }


def test_an_account_number_is_not_shown_by_accident():
    assert "5550123456" not in repr(bai2.read(PRIOR_DAY))


def test_what_moves_no_money_here_is_warned_of_once():
    lines = ["16,750,1,Z,,,A", "16,015,1,Z,,,B", "16,015,1,,,,C", "16,750,1,D,0,,,D"]
    content = statement("03,001,/", *lines, total=4).replace(b"BANK,1,", b"BANK,3,")

    warnings = bai2.read(content).warnings

    assert [(each.code, each.line) for each in warnings] == [
        ("not-an-update", 2),
        ("unknown-type-code", 4),
        ("balance-as-movement", 5),
    ]
    assert bai2.read(PRIOR_DAY).warnings == ()


def test_an_intraday_statement_says_it_is_interim():
    (group,) = bai2.read(INTRADAY).groups

    assert group.modifier is AsOfDateModifier.INTERIM_SAME_DAY
    assert (
        group.accounts[0].transactions[1].text == "ORIG:ACME WIDGETS OBI:ACCT 100045 INV 90010001"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("synthetic-bad-account-control.bai", [("control-total", 16)]),
        (
            "synthetic-missing-49.bai",
            [("missing-trailer", 3), ("record-count", 16), ("record-count", 17)],
        ),
    ],
)
def test_a_statement_that_does_not_add_up_is_refused(name, expected):
    assert refusals((FILES / name).read_bytes()) == expected


@pytest.mark.parametrize(
    ("fields", "funds"),
    [
        ("", Funds()),
        ("Z", Funds()),
        ("0", Funds("0")),
        ("1", Funds("1")),
        ("2", Funds("2")),
        ("S,100,200,300", Funds("S", ((0, 100), (1, 200), (2, 300)))),
        ("S,,200,", Funds("S", ((0, 0), (1, 200), (2, 0)))),
        ("V,261123,1400", Funds("V", value_date=date(2026, 11, 23), value_time=time(14))),
        ("V,261123,9999", Funds("V", value_date=date(2026, 11, 23), value_time=END_OF_DAY)),
        ("V,261123,", Funds("V", value_date=date(2026, 11, 23))),
        ("D,0", Funds("D")),
        ("D,3,0,100,1,200,5,300", Funds("D", ((0, 100), (1, 200), (5, 300)))),
    ],
)
def test_every_funds_type_leaves_the_next_fields_in_place(fields, funds):
    transaction = only_transaction(f"16,195,600,{fields},BANKREF,CUSTREF,SOME, TEXT")

    assert transaction.funds == funds
    assert transaction.bank_reference == "BANKREF"
    assert transaction.customer_reference == "CUSTREF"
    assert transaction.text == "SOME, TEXT"


@pytest.mark.parametrize(
    "fields", ["X", "D", "D,2,0,100", "D,999999", "D,1,0,", "S,1.5,,", "V,261345,", "V,261123,2460"]
)
def test_a_funds_type_that_cannot_be_followed_is_refused(fields):
    reported = refusals(statement("03,001,USD/", f"16,195,600,{fields}/"))

    assert [line for _, line in reported] == [4]


def test_a_continuation_may_break_a_record_between_any_two_fields():
    unbroken = "16,195,600,S,100,200,300,BANKREF,CUSTREF,TEXT"
    expected = only_transaction(unbroken)
    pieces = unbroken.split(",")

    for cut in range(2, len(pieces)):
        first, rest = ",".join(pieces[:cut]), ",".join(pieces[cut:])
        broken = only_transaction(f"{first}/", f"88,{rest}")
        assert broken == expected


def test_a_continuation_of_an_account_goes_on_with_the_next_field():
    lines = ("03,001,USD,010,-500,,,190/", "88,500,,,110/", "88,,4/", "88,D,1,0,20,045,700,/")

    account = only_account(statement(*lines, total=700))

    balances = [(each.type_code, each.amount_minor, each.item_count) for each in account.balances]
    assert balances == [("010", -500, None), ("190", 500, None), ("045", 700, None)]


def test_balances_a_bank_does_not_report_are_left_out():
    content = statement("03,001,,,,,,015,,,/")

    assert only_account(content).balances == ()


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (("SIMPLE/",), "SIMPLE"),
        (("INV 1/2/3",), "INV 1/2/3"),
        (("A, B, AND C",), "A, B, AND C"),
        (("/",), ""),
        (("",), ""),
        (("PADDED      /",), "PADDED"),
        (("SLASHES/", "88,END EVERY/", "88,LINE/"), "SLASHES END EVERY LINE"),
        (("ONLY THE/", "88,LAST SLASH ENDS/"), "ONLY THE LAST SLASH ENDS"),
        (("INV 9001/", "88,0046 OPEN"), "INV 9001/ 0046 OPEN"),
        (("/", "88,TEXT FOLLOWS"), "TEXT FOLLOWS"),
    ],
)
def test_a_slash_ends_a_text_only_at_its_end(written, text):
    first, *later = written

    assert only_transaction(f"16,195,600,Z,,,{first}", *later).text == text


def test_tagged_lines_are_kept_by_their_tag():
    transaction = only_transaction(
        "16,195,600,Z,B,C,Incoming Wire,-", "88,EREF: GS0D9V", "88,DBNM: ABC: CORP", "88,REMI: "
    )

    assert transaction.tags == {"EREF": "GS0D9V", "DBNM": "ABC: CORP", "REMI": ""}


def test_identical_transactions_of_a_day_are_told_apart_by_their_occurrence():
    line = "16,195,600,Z,REF,,SAME TEXT"

    lines = [line, line, "16,195,600,Z,REF,,OTHER", line]
    account = only_account(statement("03,001,/", *lines, total=2400))

    assert [each.occurrence for each in account.transactions] == [1, 2, 1, 3]


def test_a_message_needs_no_amount_but_a_credit_does():
    assert only_transaction("16,890,,,,,ACCOUNT CLOSED", total=0).direction is Direction.MESSAGE
    assert refusals(statement("03,001,/", "16,195,,,,,NO AMOUNT")) == [("not-a-number", 4)]


@pytest.mark.parametrize("amount", ["-600", "6.00", "1e9", "\u0661\u0662", "9" * 17, "9" * 5000])
def test_an_amount_that_is_not_plain_digits_is_refused(amount):
    reported = refusals(statement("03,001,/", f"16,195,{amount},Z,,,TEXT"))

    assert [line for _, line in reported] == [4]


def test_every_problem_is_reported_at_once():
    content = (
        PRIOR_DAY.replace(b"01,043000096,EXAMPLETEL,261120", b"01,043000096,EXAMPLETEL,261320")
        .replace(b"EXAMPLETEL,043000096,1", b"EXAMPLETEL,043000096,7")
        .replace(b"16,115,443617,S", b"16,115,443617,Q")
        .replace(b"49,5194351,14/", b"49,5194351,15/")
        .replace(b"99,5194351,1,18/", b"99,5194351,2,18/")
    )

    assert refusals(content) == [
        ("not-a-date", 1),
        ("group-status", 2),
        ("funds-type", 4),
        ("record-count", 16),
        ("group-count", 18),
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["16,195,1,Z,,,TEXT", "49,1,2/"], ["out-of-place", "out-of-place"]),
        (["01,A,B,261120,,1,,,2/"], ["second-header"]),
        (["03,001,USD/", "49,0,2,EXTRA/"], ["extra-field"]),
        (["03,,USD/", "49,0,2/"], ["no-account-number"]),
        (["03,001,US/", "49,0,2/"], ["currency"]),
        (["03,001,,10,500,,/", "49,500,2/"], ["type-code"]),
        (["03,001,/", "49,0/"], ["record-count"]),
        (["03,001,/", "49,,2/"], ["not-a-number"]),
        (["03,001,/", "A CUT TEXT", "49,0,2/"], ["unknown-record"]),
        (["03,001,/", "16,890,,,,,A\x00B", "49,0,3/"], ["unprintable"]),
    ],
)
def test_a_malformed_group_is_refused_for_its_reason(lines, expected):
    text = "\n".join(["01,A,B,261120,,1,,,2/", "02,A,B,1,261120,,,2/", *lines, "98,,,/", "99,,,/"])

    codes = [code for code, line in refusals(text.encode()) if 2 < line < 3 + len(lines)]

    assert codes == expected


@pytest.mark.parametrize("content", [b"", b"\n\n", b"88,A/", b"<Document/>", b"\0" * 99])
def test_what_is_no_statement_is_refused_with_one_reason(content):
    assert refusals(content) == [("not-bai2", 1)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_in_utf_16_is_refused_by_name(encoding):
    assert refusals(PRIOR_DAY.decode().encode(encoding)) == [("encoding", 1)]


def test_nothing_may_follow_the_file_trailer():
    assert refusals(PRIOR_DAY + PRIOR_DAY) == [("after-trailer", 19)]


def test_a_file_cut_short_is_refused():
    lines = PRIOR_DAY.splitlines(keepends=True)

    for kept in range(len(lines)):
        assert refusals(b"".join(lines[:kept]))


def test_a_lost_line_is_never_overlooked():
    lines = PRIOR_DAY.splitlines(keepends=True)

    for lost in range(len(lines)):
        assert refusals(b"".join(lines[:lost] + lines[lost + 1 :]))


def test_line_ends_padding_and_a_missing_last_line_end_change_nothing():
    expected = bai2.read(PRIOR_DAY)
    lines = PRIOR_DAY.decode().splitlines()
    padded = [line.ljust(100) for line in lines]

    variants = [
        "\r\n".join(lines),
        "\r".join(lines),
        "\n".join(padded) + "\n",
        "\ufeff" + "\n".join(lines) + "\n\n\x1a",
    ]

    assert [bai2.read(variant.encode()) for variant in variants] == [expected] * len(variants)


def test_a_file_without_line_ends_is_cut_at_its_stated_length():
    lines = PRIOR_DAY.decode().replace(",1,,,2/", ",1,120,,2/").splitlines()

    read = bai2.read("".join(line.ljust(120) for line in lines).encode())

    assert read.groups == bai2.read(PRIOR_DAY).groups


def test_each_line_is_read_in_its_own_encoding():
    content = statement("03,001,/", "16,195,1,Z,,,CAFE", "16,195,1,Z,,,\u0152UF", total=2)
    older = content.replace(b"CAFE", b"CAF\xc9")

    texts = [each.text for each in only_account(older).transactions]

    assert texts == ["CAF\u00c9", "\u0152UF"]


@pytest.mark.parametrize(
    ("type_code", "direction"),
    [
        ("015", Direction.STATUS),
        ("100", Direction.CREDIT),
        ("399", Direction.CREDIT),
        ("400", Direction.DEBIT),
        ("699", Direction.DEBIT),
        ("890", Direction.MESSAGE),
        ("919", Direction.STATUS),
        ("920", Direction.CREDIT),
        ("999", Direction.DEBIT),
        ("000", Direction.UNKNOWN),
        ("750", Direction.UNKNOWN),
        ("1", Direction.UNKNOWN),
        ("\u0661\u0660\u0660", Direction.UNKNOWN),
    ],
)
def test_a_type_code_is_classed_by_its_range(type_code, direction):
    assert type_codes.direction(type_code) is direction
    assert type_codes.meaning(type_code)


def test_every_known_code_has_a_direction():
    unknown = {Direction.UNKNOWN}

    assert not unknown & {type_codes.direction(code) for code in type_codes.MEANINGS}
    assert type_codes.meaning("557") == "ACH return item debit"
    assert type_codes.meaning("937") == "Other credit"


references = st.text("ABCXYZ0123456789-", max_size=8)
amounts = st.integers(0, 10**9)
funds_texts = st.one_of(
    st.sampled_from(["", "Z", "0", "1", "2"]),
    st.builds("S,{},{},{}".format, amounts, amounts, amounts),
    st.just("V,261123,1400"),
    st.lists(st.builds("{},{}".format, st.integers(0, 9), amounts), max_size=4).map(
        lambda pairs: ",".join(["D", str(len(pairs)), *pairs])
    ),
)
texts = st.text("ABC/, 019", max_size=30).map(lambda text: f"T{text}E")
transactions = st.tuples(
    st.sampled_from(["115", "195", "557", "937"]),
    amounts,
    funds_texts,
    references,
    references,
    texts,
)


@given(st.lists(transactions, max_size=5), st.data())
def test_a_statement_reads_back_however_it_is_broken_into_lines(moves, data):
    lines = ["03,001,USD/"]
    for type_code, amount, funds, *rest in moves:
        *fields, text = [type_code, str(amount), *funds.split(","), *rest[:2], rest[2]]
        cuts = data.draw(st.lists(st.sampled_from(range(1, len(fields) + 1)), max_size=2))
        cuts = sorted({cut for cut in cuts if cut > 1})
        starts = [0, *cuts]
        ends = [*cuts, len(fields)]
        pieces = [",".join(fields[a:b]) for a, b in zip(starts, ends, strict=True) if a < b]
        is_text_apart = bool(cuts) and cuts[-1] == len(fields)
        pieces = [*pieces, text] if is_text_apart else [*pieces[:-1], f"{pieces[-1]},{text}"]
        codes = ["16", *["88"] * len(pieces)]
        ended = [*(f"{piece}/" for piece in pieces[:-1]), pieces[-1]]
        lines += [f"{code},{piece}" for code, piece in zip(codes, ended, strict=False)]

    total = sum(move[1] for move in moves)
    transactions = only_account(statement(*lines, total=total)).transactions

    assert [
        (each.type_code, each.amount_minor, each.bank_reference, each.customer_reference, each.text)
        for each in transactions
    ] == [(code, amount, bank, customer, text) for code, amount, _, bank, customer, text in moves]


edits = st.lists(
    st.tuples(st.integers(0, len(PRIOR_DAY) - 1), st.integers(0, 2), st.binary(max_size=3)),
    min_size=1,
    max_size=6,
)


@given(st.sampled_from([PRIOR_DAY, INTRADAY]), edits)
def test_damaged_bytes_are_read_or_refused_and_nothing_else(content, edits):
    damaged = bytearray(content)
    for at, removed, inserted in edits:
        damaged[at : at + removed] = inserted

    try:
        bai2.read(bytes(damaged))
    except Unreadable as refusal:
        assert refusal.problems


@given(st.binary(max_size=60), st.text("0123456789,/SDVZ-\n ", max_size=200))
def test_any_bytes_after_a_header_are_read_or_refused(noise, fields):
    header = b"01,A,B,261120,,1,,,2/\n02,A,B,1,261120,,,2/\n03,1,,"

    with pytest.raises(Unreadable):
        bai2.read(header + fields.encode() + noise)


@given(st.integers(0, 9), st.data())
def test_a_changed_digit_of_an_amount_is_always_noticed(digit, data):
    at = PRIOR_DAY.index(b"16,195,150000") + len("16,195,") + data.draw(st.integers(0, 5))
    changed = PRIOR_DAY[:at] + str(digit).encode() + PRIOR_DAY[at + 1 :]

    if changed == PRIOR_DAY:
        assert bai2.read(changed)
    else:
        assert ("control-total", 16) in refusals(changed)
