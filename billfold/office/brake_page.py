"""The brake as staff see it: what was seen, who agreed to lift it, what happened before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse

from billfold.office import moments, staff_frame
from billfold.pages import access, links
from billfold.pages.access import StaffVisit
from billfold.pages.templatetags import formatting
from billfold.pages.view_models import FormField, ProblemSummary, StatusPill, TimelineStep
from billfold.payments.outgoing import brake_lifting
from billfold.platform import brake
from billfold.platform.brake import StandingBrake
from billfold.platform.models import BrakeAct, BrakeEntry, BrakeKind

_TITLES: Final[Mapping[str, str]] = {
    BrakeKind.FINDING: "Verify found something",
    BrakeKind.RETURN_LIMIT: "A return limit is crossed",
}
_ENDS: Final[Mapping[str, str]] = {
    BrakeKind.FINDING: (
        "The next run of verify that finds nothing lifts it. So do two treasurers, who allow what "
        "is listed here; anything new sets it again."
    ),
    BrakeKind.RETURN_LIMIT: (
        "Only two treasurers lift it, after they have talked to the bank. It is set again when "
        "another limit is crossed, or as many more debits come back."
    ),
}
_ACTS: Final[Mapping[str, str]] = {
    BrakeAct.SET: "Set",
    BrakeAct.AGREED: "Agreed to lift it",
    BrakeAct.LIFTED: "Lifted",
    BrakeAct.ENDED: "Part of it is no longer there",
    BrakeAct.WARNED: "Warning",
}
_TONES: Final[Mapping[str, str]] = {
    BrakeAct.SET: "bad",
    BrakeAct.LIFTED: "done",
    BrakeAct.WARNED: "now",
}
_MOST_SEEN: Final = 20
_MOST_HISTORY: Final = 50


@dataclass(frozen=True, slots=True)
class BrakeCard:
    """A brake that stands. No lifting_url: blocked_text says why this person cannot lift it."""

    kind: str
    number: int
    title: str
    since_text: str
    seen: tuple[str, ...]
    more_text: str
    agreed: tuple[str, ...]
    ends_text: str
    lifting_url: str
    button_text: str
    blocked_text: str
    why: FormField


@dataclass(frozen=True, slots=True)
class BrakePage:
    status: StatusPill
    subtitle: str
    cards: tuple[BrakeCard, ...]
    warnings: tuple[str, ...]
    history: tuple[TimelineStep, ...]


@access.open_to_staff("GET")
def show_brake(visit: StaffVisit) -> HttpResponse:
    """Show whether the brake stands, and why."""
    return render(visit)


def render(
    visit: StaffVisit, *, why: FormField | None = None, problems: ProblemSummary | None = None
) -> HttpResponse:
    """Print the page as the brake stands now; `why` is what was typed into the form it names."""
    page = _build(visit, why)
    return staff_frame.render(visit, "brake.html", page, section="brake", problems=problems)


def field_name(kind: str) -> str:
    """Name the form field for the reason to lift a brake of a kind."""
    return f"why-{kind}"


def _build(visit: StaffVisit, why: FormField | None) -> BrakePage:
    standing = brake.standing()
    entries = BrakeEntry.objects.order_by("-number")[:_MOST_HISTORY]
    return BrakePage(
        status=StatusPill("overdue", "Set") if standing else StatusPill("paid", "Off"),
        subtitle="No bank file is made, approved or sent. Payers can schedule and cancel, and are "
        "promised no day."
        if standing
        else "Bank files are made, approved and sent.",
        cards=tuple(_card(each, visit, why) for each in standing),
        warnings=tuple(sorted(brake.warnings(BrakeKind.RETURN_LIMIT).values())),
        history=tuple(_step(entry, visit) for entry in entries),
    )


def _card(standing: StandingBrake, visit: StaffVisit, why: FormField | None) -> BrakeCard:
    agreements = brake_lifting.agreements(standing)
    seen = sorted(standing.seen.values())
    more = len(seen) - _MOST_SEEN
    blocked = _blocked_text(agreements, visit)
    name = field_name(standing.kind)
    is_last = len(agreements) + 1 >= brake_lifting.PEOPLE_NEEDED
    return BrakeCard(
        kind=standing.kind,
        number=standing.number,
        title=_TITLES[standing.kind],
        since_text=f"Set {moments.in_full(standing.at, now=visit.now)}",
        seen=tuple(seen[:_MOST_SEEN]),
        more_text=f"and {more:,} more: run billfold verify" if more > 0 else "",
        agreed=tuple(
            f"{entry.actor_name} agreed {moments.in_full(entry.at, now=visit.now)}: {entry.why}"
            for entry in agreements
        ),
        ends_text=_ENDS[standing.kind],
        lifting_url="" if blocked else links.BRAKE_LIFTING,
        button_text="Agree, and lift the brake" if is_last else "Agree to lift the brake",
        blocked_text=blocked,
        why=why if why and why.name == name else FormField(name),
    )


def _blocked_text(agreements: Sequence[BrakeEntry], visit: StaffVisit) -> str:
    """Say why this person cannot agree now; nothing if they can."""
    if not visit.may_release_files:
        return "Only treasurers lift the brake."
    actor_id = visit.person.actor().id
    if actor_id in {entry.actor_id for entry in agreements}:
        return "You agreed to lift it. Another treasurer must too."
    return ""


def _step(entry: BrakeEntry, visit: StaffVisit) -> TimelineStep:
    lines = [f"{moments.in_full(entry.at, now=visit.now)}, {entry.actor_name}"]
    if entry.why:
        lines.append(entry.why)
    if entry.act in {BrakeAct.SET, BrakeAct.WARNED}:
        seen = sorted(entry.seen.values())
        lines += seen[:1] or ["nothing is near a limit any more"]
        if len(seen) > 1:
            lines.append(f"and {formatting.plural(len(seen) - 1, 'more thing')}")
    kind = "finding" if entry.kind == BrakeKind.FINDING else "return limit"
    return TimelineStep(f"{_ACTS[entry.act]}: {kind}", "\n".join(lines), _TONES.get(entry.act, ""))
