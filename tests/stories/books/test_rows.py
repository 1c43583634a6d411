"""Values go into the database in any number and are stored as they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billfold.banking.models import RoutingNumber
from billfold.platform import audit, rows
from billfold.platform.ids import new_ids
from billfold.platform.models import AuditEntry
from billfold.platform.postgres.backend import base
from tests.environment import SHARING_A_FIXTURE

pytestmark = pytest.mark.usefixtures("cedarline")
AT = datetime(2026, 11, 16, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(max_examples=60, suppress_health_check=SHARING_A_FIXTURE)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_any_text_is_stored_as_it_is(pairs):
    actor = audit.job("test")
    entries = [
        audit.new_entry(action, "x", actor=actor, now=AT, after={"text": text})
        for action, text in pairs
    ]

    audit.write(entries)

    stored = AuditEntry.objects.in_bulk([entry.id for entry in entries])
    assert [(stored[entry.id].action, stored[entry.id].after["text"]) for entry in entries] == pairs


special = st.text(st.sampled_from("\"\\'{},NULnul \n\t\u00e9\U0001f600"), max_size=6)
COLUMNS = st.one_of(
    st.tuples(st.just(kind), st.lists(st.none() | values, max_size=6))
    for kind, values in {
        "text": special | texts,
        "bigint": st.integers(-(2**63), 2**63 - 1),
        "int": st.integers(-(2**31), 2**31 - 1),
        "smallint": st.integers(-(2**15), 2**15 - 1),
        "uuid": st.uuids(),
        "date": st.dates(),
        "boolean": st.booleans(),
        "timestamptz": st.datetimes(timezones=st.just(UTC)),
    }.items()
)


@settings(max_examples=200, suppress_health_check=SHARING_A_FIXTURE)
@given(COLUMNS)
@example(("text", ["", "NULL", "null", '"', "\\", "{}", " a ", "a,b", "\n"]))
@example(("text", ["", None]))
def test_any_array_comes_back_as_it_was_written(column):
    kind, values = column

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [rows.array_literal(kind, values)])
        (stored,) = cursor.fetchone()

    assert stored == values


@pytest.mark.parametrize("values", [["a\0b"], ["\0"], ["a", "b\0"], ["\0", None]])
def test_a_text_with_a_nul_is_refused(values):
    with connection.cursor() as cursor, pytest.raises(DataError, match="NUL"):
        cursor.execute("SELECT %s::text[]", [rows.array_literal("text", values)])


def test_ids_ascend_and_differ():
    ids = new_ids(10_000)

    assert ids == sorted(set(ids))
    assert {id.version for id in ids} == {7}
    assert {id.variant for id in ids} == {"specified in RFC 4122"}


def test_more_values_than_a_statement_carries_are_looked_up():
    entry = audit.new_entry("looked up", "x", actor=audit.job("test"), now=AT)
    audit.write([entry])
    many = range(base.MOST_PARAMETERS + 1)

    by_text = AuditEntry.objects.filter(subject__in=["x", *map(str, many)])
    by_key = AuditEntry.objects.filter(pk__in=[entry.id, *new_ids(len(many))])

    assert list(by_text) == list(by_key) == [entry]
    assert not by_key.exclude(pk__in=[entry.id]).exists()


def test_a_value_longer_than_its_column_is_not_cut_when_it_is_looked_up():
    RoutingNumber.objects.create(number="091999049", bank_name="First Harbor Bank")

    assert RoutingNumber.objects.filter(number__in=["091999049"]).exists()
    assert not RoutingNumber.objects.filter(number__in=["0919990490"]).exists()
