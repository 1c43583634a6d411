"""Any text survives the way into the database, in any number."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billfold.platform import audit
from billfold.platform.ids import new_ids
from billfold.platform.models import AuditEntry

pytestmark = pytest.mark.usefixtures("cedarline")
AT = datetime(2026, 11, 16, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_any_text_is_stored_as_it_is(pairs):
    actor = audit.job("test")
    entries = [
        audit.entry(action, "x", actor=actor, now=AT, after={"said": said})
        for action, said in pairs
    ]

    audit.write(entries)

    stored = AuditEntry.objects.in_bulk([entry.id for entry in entries])
    assert [(stored[entry.id].action, stored[entry.id].after["said"]) for entry in entries] == pairs


def test_ids_ascend_and_differ():
    made = new_ids(10_000)

    assert made == sorted(set(made))
    assert {each.version for each in made} == {7}
    assert {each.variant for each in made} == {"specified in RFC 4122"}
