"""Mutants of a module: what could be changed in it, and what it then looks like."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

OPERATORS: Final = (
    "core/AddNot",
    "core/ReplaceTrueWithFalse",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd",
    "core/NumberReplacer",
    "core/ZeroIterationForLoop",
    "core/ReplaceBinaryOperator_Add_Sub",
    "core/ReplaceBinaryOperator_Sub_Add",
    "core/ReplaceBinaryOperator_Mul_Add",
    "core/ReplaceBinaryOperator_FloorDiv_Mul",
    "core/ReplaceBinaryOperator_Mod_Mul",
    "core/ReplaceComparisonOperator_Eq_NotEq",
    "core/ReplaceComparisonOperator_NotEq_Eq",
    "core/ReplaceComparisonOperator_Lt_LtE",
    "core/ReplaceComparisonOperator_LtE_Lt",
    "core/ReplaceComparisonOperator_Gt_GtE",
    "core/ReplaceComparisonOperator_GtE_Gt",
    "core/ReplaceComparisonOperator_Is_IsNot",
    "core/ReplaceComparisonOperator_IsNot_Is",
)
"""One change of each kind. Those of `|`, which stands in types, change nothing that is executed."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module."""

    path: Path
    operator: str
    occurrence: int
    """How many places for this operator stand before it in the module."""
    line: int

    def code(self) -> str:
        """Return the module with the change."""
        code = mutate_code(self.path.read_text(), _operator(self.operator), self.occurrence)
        assert code is not None  # The place was listed from the same text.
        return code

    def change(self, code: str) -> str:
        """Show the lines that differ, the old before the new."""
        lines = difflib.unified_diff(
            self.path.read_text().splitlines(), code.splitlines(), n=0, lineterm=""
        )
        return "\n".join(line for line in list(lines)[3:] if line[:1] in "+-")


def list_mutants(path: Path) -> Iterator[Mutant]:
    """List every mutant of a module, by operator and place."""
    nodes = list(ast_nodes(get_ast(path.read_text())))
    for name in OPERATORS:
        operator = _operator(name)
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, ((line, _), _) in enumerate(places):
            yield Mutant(path, name, occurrence, line)


def _operator(name: str) -> Any:
    return plugins.get_operator(name)()
