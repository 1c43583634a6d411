"""Django's PostgreSQL backend; every new connection serves the present biller, or none.

A statement carries no more than MOST_PARAMETERS values. So rows are added in batches, and a list of
values is sent as one array, however many they are. A unique text has one index, not a second one
for LIKE: a column that people search by its beginning has the collation C, whose order serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql import base, operations, schema
from django.db.models.expressions import Col
from django.db.models.fields import Field
from django.db.models.fields.related import ForeignObject
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.lookups import In
from django.db.models.sql.compiler import SQLCompiler

from billfold.platform import tenancy

MOST_PARAMETERS: Final = 65_535
"""Source: PostgreSQL, "Message Formats", Bind: their number is an Int16, read without a sign."""


class DatabaseOperations(operations.DatabaseOperations):
    """Adds no more rows at once than one statement can carry."""

    def bulk_batch_size(self, fields: Sequence[Any], objs: Any) -> int:
        return max(MOST_PARAMETERS // max(len(fields), 1), 1)


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Makes tables with no index that only LIKE would use."""

    def _create_like_index_sql(self, model: Any, field: Any) -> None:
        return None


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that never reads a biller's tables by default."""

    ops_class = DatabaseOperations
    SchemaEditorClass = DatabaseSchemaEditor

    def init_connection_state(self) -> None:
        super().init_connection_state()
        tenancy.apply_to_new_connection(self)


def _as_array(lookup: Any, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
    """Write a column `in` a list of values as `= ANY` of one array; leave the rest to Django."""
    if not lookup.rhs_is_direct_value() or not isinstance(lookup.lhs, Col):
        return lookup.as_sql(compiler, connection)
    values = [value for value in lookup.rhs if value is not None]
    if any(hasattr(value, "resolve_expression") for value in values):
        return lookup.as_sql(compiler, connection)
    if not values:
        raise EmptyResultSet
    left, parameters = lookup.process_lhs(compiler, connection)
    field = lookup.lhs.output_field
    kind = str(field.rel_db_type(connection)).partition("(")[0]
    prepared = [field.get_db_prep_value(value, connection, prepared=True) for value in values]
    return f"{left} = ANY(%s::{kind}[])", [*parameters, prepared]


@Field.register_lookup
class InArray(In):
    """`in` a list of values, whatever its length."""

    as_postgresql = _as_array


@ForeignObject.register_lookup
class RelatedInArray(RelatedIn):
    """`in` a list of rows or of their keys, whatever its length."""

    as_postgresql = _as_array
