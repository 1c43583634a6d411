"""Whatever arrives, the answer is a clear sentence, other input stays, and nothing is paid."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.payments.models import Payment
from billfold.platform.ids import new_id, new_reference
from billfold.portal.urls import urlpatterns
from tests.environment import SHARING_A_FIXTURE
from tests.stories.portal.payer import ACCOUNT, Payer, text_of
from tests.world import World


@pytest.fixture
def payer(world: World, client: Client) -> Payer:
    world.invoice("CL-1", "346.18", due=date(2026, 11, 10))
    world.invoice("CL-2", "1326.32")
    theirs = world.add_customer("50-1", "Vesper Logistics")
    world.invoice("VL-1", "10.00", customer=theirs)
    at_the_pages = Payer(world, client)
    at_the_pages.sign_in()
    return at_the_pages


def refused(payer: Payer, *numbers: str, **fields: object) -> str:
    """Send a form that must come back, and read it."""
    response = payer.choose(*numbers, **fields)
    page = response.content.decode()
    assert response.status_code == 422, response
    assert "<title>Error:" in page
    assert page.count('class="error"') >= 1
    assert not Payment.objects.exists()
    return text_of(response)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("", "Enter the routing number of your bank. It has 9 digits."),
        ("12999901", "Routing number must have 9 digits. You entered 8."),
        ("1299990188", "Routing number must have 9 digits. You entered 10."),
        ("129999019", "No bank has this routing number."),
        ("000000000", "No bank has this routing number."),
        ("110000000", "We know no bank with this routing number."),
        ("12999901x", "Routing number must have digits only."),
        (
            "\uff11\uff12\uff19\uff19\uff19\uff19\uff10\uff11\uff18",
            "Routing number must have digits only.",
        ),
        ("129999018\0", "Routing number must have digits only."),
        ("9" * 100_000, "Routing number must have 9 digits."),
    ],
)
def test_a_routing_number_that_cannot_be(payer, number, sentence):
    page = refused(payer, "CL-1", routing_number=number)

    assert page.count(sentence) == 2, "in the summary and at the field"
    assert ACCOUNT not in page


@pytest.mark.parametrize(
    ("number", "again", "sentence"),
    [
        ("", "", "Enter your account number."),
        ("123", "123", "Account number must have at least 4 characters. You entered 3."),
        ("1" * 18, "1" * 18, "Account number can have up to 17 characters. You entered 18."),
        ("12/34", "12/34", "Account number must have letters and digits only."),
        ("12\x0034", "12\x0034", "Account number must have letters and digits only."),
        ("١٢٣٤٥", "١٢٣٤٥", "Account number must have letters and digits only."),
        ("00000", "00000", "Account number cannot be all zeros."),
        ("4111-1111-1111-1111", "4111-1111-1111-1111", "This looks like a card number. Enter"),
        ("378282246310005", "378282246310005", "This looks like a card number. Enter"),
        ("129999018", "129999018", "This is the routing number."),
        (ACCOUNT, "4417006788", "The two account numbers are different."),
        (ACCOUNT, "", "Retype your account number here."),
    ],
)
def test_an_account_number_that_cannot_be(payer, number, again, sentence):
    page = refused(payer, "CL-1", account_number=number, account_number_again=again)

    assert page.count(sentence) == 2


@pytest.mark.parametrize("typed", [" 4417 0067-89 ", "4417.006789", "AB12cd", "1" * 17])
def test_an_account_number_may_be_typed_as_on_the_check(payer, typed):
    assert payer.choose("CL-1", account_number=typed).status_code == 303


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("0", "Enter more than $0.00 on CL-1"),
        ("-5", "Enter more than $0.00 on CL-1"),
        ("346.19", "CL-1 still owes $346.18. Enter that or less."),
        ("1e9", "Enter the amount on CL-1 as a number, like 346.18."),
        ("1.005", "with 2 decimals at most"),
        ("", "Enter the amount to pay on CL-1, or untick it."),
        ("NaN", "as a number"),
        ("12\x00", "as a number"),
        ("9" * 40, "That is more than you owe on CL-1: $346.18."),
        ("€5", "as a number"),
        ("5 CAD", "as a number"),
        ("1,2,3", "as a number"),
    ],
)
def test_an_amount_that_cannot_be(payer, amount, sentence):
    page = refused(payer, "CL-1", **{"amount:CL-1": amount, "amount:CL-2": "77.01"})

    assert page.count(sentence) == 3, "in the summary, at the field and beside the total"
    form = payer.form(["CL-1"], **{"amount:CL-1": amount, "amount:CL-2": "77.01"})
    assert 'value="77.01"' in payer.client.post("/pay", form).content.decode()
    assert sentence in text_of(payer.client.post("/pay/total", form))


def test_nothing_ticked_is_said_beside_the_table_the_button_and_on_top(payer):
    assert refused(payer).count("Select at Least One Invoice") == 3


@pytest.mark.parametrize("number", ["VL-1", "CL-999", "x" * 5_000, "CL-1\0", "'; --"])
def test_an_invoice_that_is_not_mine_looks_like_one_that_is_not_there(payer, number):
    page = refused(payer, "CL-1", number)

    assert "is not open on this account. It is not in your choice any more." in page
    assert "Vesper" not in page


NOBODYS = "019c0000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("method", ["", "entered", "x", NOBODYS, "\0"])
def test_a_way_to_pay_has_to_be_chosen(payer, method):
    assert "Choose how you want to pay." in refused(payer, "CL-1", method=method)


def test_fields_that_come_twice_count_once(payer):
    fields = {"routing_number": ["1", "129999018"], "amount:CL-1": ["x", "10"]}
    chosen = payer.choose("CL-1", "CL-1", **fields)

    payer.press(payer.review(chosen))

    assert Payment.objects.get().amount_minor == 1_000


@pytest.mark.parametrize(
    "url", ["/pay/{}", "/payments/{}", "/payments/{}/receipt.pdf", "/payments/{}/cancellation"]
)
def test_what_is_not_there_is_not_found_and_pays_nothing(payer, url):
    response = payer.client.get(url.format(new_reference()))

    assert response.status_code == (303 if url == "/pay/{}" else 404)


def test_a_draft_of_somebody_else_is_gone_for_me(payer, world):
    chosen = payer.choose("CL-1")
    reviewed = payer.review(chosen)
    other = Payer(world, Client())
    person = world.add_person("ana@vesper.example", "Ana Vesper")
    from billfold.receivables.models import Customer

    theirs = Customer.objects.get(number="50-1")
    world.give_access(person, theirs)
    other.sign_in("ana@vesper.example")

    response = other.press(reviewed)

    assert response["Location"] == "/pay"
    assert "We no longer have those choices. Nothing was paid." in text_of(other.client.get("/pay"))
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    "url",
    ["/invoices/VL-1", "/invoices/VL-1/document.pdf", "/invoices/CL-1/document.pdf", "/help/x"],
)
def test_foreign_looks_like_missing(payer, url):
    assert payer.client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("url", "method"),
    [
        ("/pay", "put"),
        ("/pay/total", "get"),
        ("/bank-name", "get"),
        ("/", "post"),
        ("/help", "post"),
    ],
)
def test_other_methods_are_refused_in_the_house_style(payer, url, method):
    response = getattr(payer.client, method)(url)

    assert response.status_code == 405
    assert "That does not work from here" in text_of(response)
    assert response["Allow"]


PATHS = sorted({str(pattern.pattern) for pattern in urlpatterns})
WORDS = st.one_of(
    st.sampled_from(["", "CL-1", "VL-1", "new", "on", "1e9", "\0", "129999018", ACCOUNT, "all"]),
    st.text(max_size=30),
    st.integers().map(str),
)
FIELDS = [
    "reference",
    "account",
    "invoice",
    "amount:CL-1",
    "amount:CL-2",
    "amount:\x00",
    "method",
    "routing_number",
    "account_number",
    "account_number_again",
    "account_kind",
    "account_holder",
    "remember",
    "spread",
    "pick",
    "fingerprint",
    "nickname",
    "is_default",
    "email",
    "password",
    "next",
    "end",
    "q",
    "view",
    "page",
]
NAMES = st.one_of(
    st.sampled_from(FIELDS),
    st.text(min_size=1, max_size=10),
)
FORMS = st.dictionaries(NAMES, st.one_of(WORDS, st.lists(WORDS, max_size=3)), max_size=10)
PARTS = st.one_of(WORDS, st.just(""), st.builds(new_reference), st.builds(new_id).map(str))


@given(path=st.sampled_from(PATHS), part=PARTS, form=FORMS, is_get=st.booleans())
@settings(
    max_examples=250,
    suppress_health_check=SHARING_A_FIXTURE,
)
def test_no_form_sent_anywhere_is_a_failure_of_ours(payer, path, part, form, is_get):
    from urllib.parse import quote

    pieces = ["" if "<" not in piece else quote(part, safe="") for piece in path.split("/")]
    url = "/" + "/".join(
        value or piece for value, piece in zip(pieces, path.split("/"), strict=True)
    )
    payer.client.raise_request_exception = True

    response = payer.client.get(url, form) if is_get else payer.client.post(url, form)

    assert response.status_code < 500
    if "_auth_user_id" not in payer.client.session:
        payer.sign_in()
