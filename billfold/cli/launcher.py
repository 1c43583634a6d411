"""The command line as click sees it: help comes from the table, a command from its module.

Click's groups would import every command to list it, and most import Django. These list what the
table says. Only the command that was typed is imported, after what it needs was made ready; it is
parsed before a database is started, so that a slip or `--help` starts none.
"""

import importlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import click

from billfold.cli.command_table import COMMANDS, CommandRow, GroupRow, Needs

PROGRAM: Final = "billfold"
_LIKE_AN_OPTION: Final = re.compile(r"-(?![\d.])\S+")


def run(arguments: Sequence[str]) -> int:
    """Carry out the command that was typed; give its exit code. Raises: click.UsageError."""
    try:
        with ROOT.make_context(PROGRAM, list(arguments)) as context:
            return ROOT.invoke(context) or 0
    except click.exceptions.Exit as end:  # Help was printed.
        return end.exit_code


def command(words: str) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a function the command of these words in the table."""
    *path, name = words.split()
    group: LazyGroup = ROOT
    for word in path:
        group = group.groups[word]
    return group.command(name, cls=ReadyCommand, help=group.table[name].help)


class ReadyCommand(click.Command):
    """A command that runs in what was made ready for it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _refuse_option_as_value(self, ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with ctx.obj:
            return super().invoke(ctx)


class LazyGroup(click.Group):
    """A group that lists its commands from the table and imports the one that was typed."""

    def __init__(
        self,
        name: str,
        table: Mapping[str, CommandRow | GroupRow],
        *,
        title: str,
        when_none: str = "",
        **settings: Any,
    ) -> None:
        super().__init__(
            name,
            no_args_is_help=False,
            subcommand_metavar=f"{title.removesuffix('s').upper()} [ARGS]...",
            **settings,
        )
        self.table = table
        self.title = title
        self.when_none = when_none
        self.groups = {
            name: LazyGroup(
                name, row.commands, title=row.title, when_none=row.when_none, help=row.help
            )
            for name, row in table.items()
            if isinstance(row, GroupRow)
        }

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_named = args and not args[0].startswith("-")
        if self.when_none and not is_named and args[:1] not in (["-h"], ["--help"]):
            args = [self.when_none, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = self.table.get(cmd_name)
        if isinstance(row, CommandRow):
            ctx.obj = _make_ready(row)
            importlib.import_module(f"billfold.cli.commands.{row.module}")
        return self.groups.get(cmd_name) or self.commands.get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(self.title.capitalize()):
            formatter.write_dl([(name, row.help) for name, row in self.table.items()])


class Root(LazyGroup):
    """The group of all commands, which takes --state before or after any of them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = list(_state_first(args))
        _refuse_option_as_value(self, ctx, args)
        return super().parse_args(ctx, args)


def _state_first(arguments: Sequence[str]) -> Iterator[str]:
    """Move --state and its value to the front: they are needed before a command is imported."""
    others = list[str]()
    words = iter(arguments)
    for word in words:
        if word == "--":
            others += [word, *words]
        elif word == "--state":
            directory = next(words, None)
            if directory is None:
                raise click.BadOptionUsage(word, f"Option {word!r} requires an argument.")
            yield from (word, directory)
        elif word.startswith("--state="):
            yield word
        else:
            others.append(word)
    yield from others


def _refuse_option_as_value(
    typed: click.Command, context: click.Context, arguments: Sequence[str]
) -> None:
    """Keep a forgotten value from swallowing the next option: `hold off --why --yes`.

    Raises: click.BadOptionUsage.
    """
    names = {
        name
        for option in typed.params
        if isinstance(option, click.Option) and not option.is_flag
        for name in option.opts
    }
    for name, value in pairwise(arguments):
        if name == "--":
            return
        if name in names and _LIKE_AN_OPTION.fullmatch(value):
            raise click.BadOptionUsage(name, f"Option {name!r} requires an argument.", context)


def _make_ready(row: CommandRow) -> AbstractContextManager[None]:
    """Set up what a command's module needs; give what must be open while the command runs."""
    if row.needs is Needs.NOTHING:
        return nullcontext()
    # Django takes several times as long as all that help and the simple commands need.
    from billfold.cli import environment  # noqa: PLC0415

    environment.set_up_django(row.mode)
    if row.needs is Needs.DJANGO:
        return nullcontext()
    return environment.installation(may_be_new=row.needs is Needs.DATABASE)


def _use_state(_context: click.Context, _option: click.Parameter, directory: str | None) -> None:
    if directory is not None:
        os.environ["BILLFOLD_STATE"] = str(Path(directory).expanduser().absolute())


ROOT: Final = Root(
    PROGRAM,
    COMMANDS,
    title="commands",
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        click.Option(
            ["--state"],
            metavar="DIR",
            help="where keys, files and the private database are kept (or set BILLFOLD_STATE)",
            callback=_use_state,
            expose_value=False,
        )
    ],
)
