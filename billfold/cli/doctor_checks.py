"""What `billfold doctor` looks at, one function each: how it is, and what to do about it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from smtplib import SMTPException
from typing import Any, Final

from django.conf import settings
from django.core.mail import get_connection
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from billfold import bankdays
from billfold.bankdays import EASTERN
from billfold.banking import transports
from billfold.banking.models import BankConnection, BankFile, FileState
from billfold.cli import mode
from billfold.notices.models import Notice
from billfold.payments.models import Payment, ProofRun
from billfold.payments.reading import return_meter
from billfold.platform import (
    biller_directory,
    brake,
    clock,
    feed,
    heartbeat,
    login_roles,
    sealing,
    tenancy,
)
from billfold.platform.feed import FeedHolder
from billfold.platform.models import Silence
from billfold.platform.postgres import logins
from billfold.platform.postgres.logins import Login, LoginNotNamed
from billfold.rails.ach.return_rates import Rate, RateLevel

KEY_FILES: Final = ("sealing.json", "lookup", "web-secret")
VERSIONS: Final = range(15, 19)
"""Of PostgreSQL, in which Billfold was run."""
MUCH_SPACE, LITTLE_SPACE = 2_000_000_000, 200_000_000
_FAULTS_NAMED: Final = 5
DRIFT_SECONDS: Final = 2.0
SILENT_SECONDS: Final = 60.0
"""How long a worker may work on one thing without going round."""
LATE: Final = timedelta(hours=1)
_FEED_LATE: Final = timedelta(minutes=1)
_PROVED_WITHIN: Final = timedelta(days=2)
CALENDAR_DAYS_LEFT: Final = 365
"""How long before its end the banking calendar is to be extended."""


class DiagnosisLevel(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at."""

    subject: str
    level: DiagnosisLevel
    words: str
    todo: str = ""


def ok(subject: str, words: str) -> Diagnosis:
    return Diagnosis(subject, DiagnosisLevel.OK, words)


def warn(subject: str, words: str, todo: str) -> Diagnosis:
    return Diagnosis(subject, DiagnosisLevel.WARN, words, todo)


def fail(subject: str, words: str, todo: str) -> Diagnosis:
    return Diagnosis(subject, DiagnosisLevel.FAIL, words, todo)


def as_json(diagnoses: Sequence[Diagnosis]) -> dict[str, Any]:
    """Put diagnoses in the words of `billfold doctor --json`."""
    is_well = all(each.level is not DiagnosisLevel.FAIL for each in diagnoses)
    return {"is_well": is_well, "findings": [asdict(each) for each in diagnoses]}


def diagnose(*, no_database: str = "") -> list[Diagnosis]:
    """Look at everything; without a database, at what is outside it."""
    outside = [*check_configuration(), *check_keys(), *check_disk(), *check_mail()]
    if no_database:
        return [*outside, fail("database", no_database, "Start it, or name it in DATABASE_URL.")]
    try:
        return [*outside, *_check_inside()]
    except DatabaseError as error:
        words = " ".join(str(error).split())
        return [*outside, fail("database", words, "Start it, or name it in DATABASE_URL.")]


def _check_inside() -> Iterator[Diagnosis]:
    yield from check_database()
    try:
        billers = tenancy.billers()
    except DatabaseError:
        yield fail("billers", "there is no directory of billers", "Run `billfold init`.")
        return
    yield from check_logins()
    yield from check_clock()
    yield check_calendar()
    yield from check_worker()
    if not billers:
        yield warn("billers", "there is none yet", "Run `billfold init` or `billfold biller add`.")
    for biller in billers:
        yield from _check_biller(biller)


def _check_biller(biller: tenancy.Biller) -> Iterator[Diagnosis]:
    lacking = check_migrations(biller)
    if lacking:
        yield lacking
        return  # The rest reads tables that may not be there yet.
    yield check_hold(biller)
    with tenancy.use(biller):
        yield from check_banks(biller)
        yield from check_silences(biller)
        yield check_outbox(biller)
        yield check_feed(biller)
        yield check_return_rates(biller)
        yield check_brake(biller)
        yield check_lateness(biller)


# -- Outside the database ----------------------------------------------------------------------


def check_configuration() -> Iterator[Diagnosis]:
    """Compare the mode with the state directory, and look whether others may enter that."""
    place = Path(settings.STATE_DIR)
    recorded = mode.read(place)
    if recorded and recorded != settings.MODE:
        yield fail(
            "configuration",
            f"the mode is {settings.MODE}, {place} was made for {recorded}",
            "Unset BILLFOLD_MODE, or choose another place with --state DIR.",
        )
    elif not place.is_dir():
        yield fail("configuration", f"{place} is not there", "Run `billfold init`.")
    elif _open_to_others(place):
        yield fail("configuration", f"others may enter {place}", f"chmod o-rwx,g-w {place}")
    else:
        yield ok("configuration", f"{settings.MODE} mode, state in {place}")


def _open_to_others(path: Path) -> bool:
    """Say whether somebody else may look; passing through by name is not looking."""
    rights = stat.S_IMODE(path.stat().st_mode)
    return bool(rights & (stat.S_IRWXO & ~stat.S_IXOTH | stat.S_IWGRP))


def check_keys() -> Iterator[Diagnosis]:
    """Look whether every key is there, is private and works."""
    folder = sealing.key_folder()
    missing = [name for name in KEY_FILES if not (folder / name).is_file()]
    if missing:
        yield fail(
            "keys",
            f"{', '.join(missing)} missing in {folder}",
            "Bring back the keys of this installation from its backup; `billfold init` makes "
            "new ones only where nothing was sealed yet.",
        )
        return
    loose = [path for path in (folder, *(folder / name for name in KEY_FILES)) if _is_loose(path)]
    if loose:
        yield fail("keys", f"others may read {loose[0]}", f"chmod -R go= {folder}")
        return
    try:
        sealing.unseal(sealing.seal(b"doctor", context="doctor"), context="doctor")
    except Exception as error:  # Whatever is wrong with a key file, it is news.
        yield fail("keys", f"they do not work: {type(error).__name__}", "Restore the keys.")
        return
    yield ok("keys", f"there, private and working in {folder}")


def _is_loose(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))


def check_disk() -> Iterator[Diagnosis]:
    """Look whether there is room for files and the private database."""
    place = Path(settings.STATE_DIR)
    existing = next(path for path in (place, *place.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    words = f"{free / 1e9:.1f} GB free for {place}"
    if free < LITTLE_SPACE:
        yield fail("disk", words, "Free some now: soon nothing can be written.")
    elif free < MUCH_SPACE:
        yield warn("disk", words, "Free some soon.")
    elif place.is_dir() and not os.access(place, os.W_OK):
        yield fail("disk", f"{place} is read-only for us", "Give this user the right to write.")
    else:
        yield ok("disk", words)


def check_mail() -> Iterator[Diagnosis]:
    """Look whether the mail server answers."""
    if not settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        yield ok("mail", "stays here and is not sent")
        return
    place = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        with get_connection(timeout=5):
            pass
    except (SMTPException, OSError) as error:
        yield fail(
            "mail",
            f"{place} does not take mail: {error}",
            "Check BILLFOLD_MAIL_…; messages wait meanwhile, and none is lost.",
        )
        return
    yield ok("mail", f"{place} takes mail")


# -- Inside it ---------------------------------------------------------------------------------


def check_database() -> Iterator[Diagnosis]:
    """Look which server it is, as whom we use it, and whether it keeps what it confirmed."""
    with tenancy.no_biller(), connection.cursor() as cursor:
        cursor.execute(
            """SELECT current_setting('server_version'),
                      current_setting('server_version_num')::integer / 10000, session_user,
                      current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'
                      AND current_setting('synchronous_commit') <> 'off'"""
        )
        version, major, user, is_durable = cursor.fetchone()
    words = f"PostgreSQL {version} as {user}"
    if major not in VERSIONS:
        yield warn("database", words, f"Use {VERSIONS[0]} to {VERSIONS[-1]}.")
    elif not is_durable:
        todo = "Set fsync, full_page_writes and synchronous_commit back to on."
        words += ", which may lose what it confirmed"
        yield (fail if settings.IS_LIVE else warn)("database", words, todo)
    else:
        yield ok("database", words)


def check_logins() -> Iterator[Diagnosis]:
    """Look whether each login may do its work and no more, and whether the proof's only reads."""
    if not login_roles.are_apart():
        todo = f"Name the three logins in {', '.join(logins.SETTINGS.values())}."
        words = "one login to the database does what three should"
        yield (fail if settings.IS_LIVE else warn)("logins", words, todo)
        return
    with tenancy.no_biller(), connection.cursor() as cursor:
        faults = login_roles.faults(cursor)
    if faults:
        words = "; ".join(faults[:_FAULTS_NAMED])
        yield fail("logins", words, "Take these rights away; `billfold migrate` sets ours anew.")
        return
    try:
        with tenancy.as_proof(None), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
    except (LoginNotNamed, DatabaseError) as error:
        words = f"nobody can sign in to prove or back up: {' '.join(str(error).split())}"
        yield fail("logins", words, f"Name that login in {logins.SETTINGS[Login.PROOF]}.")
        return
    names = f"{login_roles.name(Login.APP)} and {login_roles.name(Login.PROOF)}"
    yield ok("logins", f"{names} may do their work and no more")


def check_clock() -> Iterator[Diagnosis]:
    """Compare this machine's clock with the server's, and look whether a demo moved ours."""
    with tenancy.no_biller(), connection.cursor() as cursor:
        before = datetime.now(UTC)
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone()
        after = datetime.now(UTC)
    apart = max(before - theirs, theirs - after, timedelta()).total_seconds()
    moved = round((clock.now() - datetime.now(UTC)).total_seconds())
    if apart > DRIFT_SECONDS:
        words = f"{apart:.0f} s apart from the database server's"
        yield fail("clock", words, "Let both machines follow a time server.")
    elif moved:
        yield ok("clock", f"moved by {timedelta(seconds=abs(moved))}, as {settings.MODE} mode may")
    else:
        yield ok("clock", "agrees with the database server's")


def check_calendar() -> Diagnosis:
    """Look how long the banking days are known: past them nothing can be scheduled."""
    through = bankdays.ACH.published_through
    today = clock.now().astimezone(EASTERN).date()
    left = (date(through, 12, 31) - today).days
    todo = (
        f"Upgrade Billfold, or compare the Reserve Banks' holidays of {through + 1} with "
        f"docs/bank-files.md, and set BILLFOLD_CALENDAR_THROUGH={through + 1}."
    )
    if left < 0:
        return fail("calendar", f"it ended with {through}: no payment can be scheduled", todo)
    if left < CALENDAR_DAYS_LEFT:
        return warn("calendar", f"it ends with {through}: payments stop in {left} days", todo)
    return ok("calendar", f"banking days are known through {through}")


def check_worker() -> Iterator[Diagnosis]:
    """Look whether the worker went round lately."""
    silent = heartbeat.silent_seconds()
    todo = "Start `billfold worker`, or look at its log: nothing moves without it."
    if silent is None:
        yield warn("worker", "was never here", todo)
    elif silent > SILENT_SECONDS:
        yield fail("worker", f"last went round {timedelta(seconds=round(silent))} ago", todo)
    else:
        yield ok("worker", f"went round {silent:.0f} s ago")


def check_migrations(biller: tenancy.Biller) -> Diagnosis | None:
    """Find a schema that is not of this version."""
    with tenancy.use(biller):
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return None
    words = f"{biller.schema} lacks {len(plan)} migrations of this version"
    return fail("database", words, "Run `billfold migrate`.")


def check_hold(biller: tenancy.Biller) -> Diagnosis:
    """Say whether anything may leave."""
    name = f"biller {biller.schema}"
    if biller.state == "open":
        return ok(name, "open: files and mail leave")
    standing = biller_directory.mark_status()
    why = f", because {standing}" if standing else ""
    return warn(
        name,
        f"on HOLD{why}: nothing leaves",
        "Make sure of the books and that no other copy lives, then `billfold hold off`.",
    )


def check_banks(biller: tenancy.Biller) -> Iterator[Diagnosis]:
    """Look whether each bank's folder or server answers."""
    connections = list(BankConnection.objects.order_by("name"))
    if not connections:
        yield warn(
            f"bank of {biller.schema}", "none is set up", "Add one: nothing is collected before."
        )
    for bank in connections:
        name = f"bank {bank.name} of {biller.schema}"
        try:
            waiting = transports.from_setting(bank.transport).waiting()
        except (transports.Unreachable, transports.NotATransport) as error:
            todo = "Check the connection's transport; files wait meanwhile."
            yield fail(name, f"does not answer: {error}", todo)
        else:
            yield ok(name, f"answers, {len(waiting)} files wait there for us")


def check_silences(biller: tenancy.Biller) -> Iterator[Diagnosis]:
    """Name each far side that gave the worker no answer at its last try."""
    for silence in Silence.objects.order_by("since", "far_side", "job"):
        yield warn(
            f"{silence.job} of {biller.schema}",
            f"{silence.far_side} has not answered since {silence.since:%Y-%m-%d %H:%M} UTC, "
            f"tried {silence.tries} times: {silence.reason}",
            f"Nothing is lost; the next try is at {silence.next_try_at:%Y-%m-%d %H:%M:%S} UTC.",
        )


def check_outbox(biller: tenancy.Biller) -> Diagnosis:
    """Say whether messages have been waiting for long."""
    name = f"mail of {biller.schema}"
    late = Notice.objects.filter(sent_at=None, queued_at__lt=clock.now() - LATE).count()
    if late and biller.state == "open":
        return warn(name, f"{late} messages have waited for over an hour", "Look at mail above.")
    return ok(name, "no message has waited for long")


def check_feed(biller: tenancy.Biller) -> Diagnosis:
    """Say how far the feed's numbers are behind what was written, and who holds them back."""
    name = f"feed of {biller.schema}"
    lag = feed.lag()
    if lag.oldest_at is None:
        return ok(name, "everything has its number")
    age = clock.now() - lag.oldest_at
    wait = "1 row waits" if lag.waiting == 1 else f"{lag.waiting:,} rows wait"
    words = f"{wait} for a number, the oldest for {_rounded(age)}"
    if lag.holder is None:
        late = "The worker numbers them: look at its log."
    else:
        words += f", behind {_describe_holder(lag.holder)}"
        late = "Let that transaction end, or end it: exports show nothing newer before."
    return warn(name, words, late) if age > _FEED_LATE else ok(name, words)


def _rounded(age: timedelta) -> timedelta:
    return timedelta(seconds=round(age.total_seconds()))


def _describe_holder(holder: FeedHolder) -> str:
    if holder.pid is None:
        return holder.application
    session = f"process {holder.pid} ({holder.application or 'it has no name'})"
    if holder.since is None:
        return f"{session} of another login"
    return f"{session}, whose transaction began {holder.since:%Y-%m-%d %H:%M:%S} UTC"


def check_return_rates(biller: tenancy.Biller) -> Diagnosis:
    """Say how near the biller is to the return rates its bank must enforce."""
    name = f"returns of {biller.schema}"
    rates = return_meter.measure(on=clock.now().astimezone(EASTERN).date())
    words = "in 60 days " + ", ".join(map(_describe_rate, rates))
    levels = {rate.level for rate in rates}
    if RateLevel.OVER in levels:
        return fail(name, words, "Find the cause before the bank asks; stop what is unauthorised.")
    if RateLevel.NEAR in levels:
        return warn(name, words, "Find the cause: above the limit the bank must act.")
    return ok(name, words)


def _describe_rate(rate: Rate) -> str:
    limit = f"{rate.limit_bps / 100:g}"
    return f"{rate.measure} {rate.returned} of {rate.debits} ({rate.percent} %, below {limit})"


def check_brake(biller: tenancy.Biller) -> Diagnosis:
    """Say whether the brake keeps files from the bank, and what set it."""
    name = f"brake of {biller.schema}"
    standing = brake.standing()
    if not standing:
        last = ProofRun.objects.order_by("-day").first()
        if last and last.at < clock.now() - _PROVED_WITHIN:
            words = f"off, and the worker has not run verify since {last.day}"
            return warn(name, words, "Look into the worker's log for why it fails.")
        return ok(name, "off")
    seen = [words for each in standing for words in sorted(each.seen.values())]
    more = f", and {len(seen) - 1} more" if len(seen) > 1 else ""
    return fail(
        name,
        f"set, so nothing goes to the bank: {seen[0]}{more}",
        "See `billfold brake`; remove the cause and run `billfold verify`, or let two treasurers "
        "lift it.",
    )


def check_lateness(biller: tenancy.Biller) -> Diagnosis:
    """Say whether money was promised for a day that has passed, or a file was forgotten."""
    name = f"payments of {biller.schema}"
    today = clock.now().astimezone(EASTERN).date()
    late = Payment.objects.filter(Payment.late(on=today)).count()
    waiting = BankFile.objects.filter(
        direction="out", state__in=[FileState.BUILT, FileState.RELEASED], business_date__lt=today
    ).count()
    if not (late or waiting):
        return ok(name, "none is later than promised, no file of an earlier day waits")
    words = f"{late} are later than promised, {waiting} files of earlier days have not left"
    return warn(name, words, "Release or take back the files; look at the cases of the bank.")
