"""The books: accounts, transfers, movements."""

from pathlib import Path

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


def sql(name):
    """Read what Django has no operation for, with its reverse."""
    folder = Path(__file__).parent
    return migrations.RunSQL(
        (folder / f"0001_{name}.sql").read_text(), (folder / f"0001_{name}_reverse.sql").read_text()
    )


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('platform', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Movement',
            fields=[
                ('pk', models.CompositePrimaryKey('code', 'currency', 'booked_on', 'batch', blank=True, editable=False, primary_key=True, serialize=False)),
                ('code', models.TextField()),
                ('currency', models.CharField(max_length=3)),
                ('booked_on', models.DateField()),
                ('batch', models.UUIDField()),
                ('debits_minor', models.BigIntegerField()),
                ('credits_minor', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('code', models.TextField()),
                ('subject', models.TextField(blank=True, default='')),
                ('currency', models.CharField(max_length=3)),
                ('party', models.UUIDField(null=True)),
                ('debits_minor', models.BigIntegerField(default=0)),
                ('credits_minor', models.BigIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(fields=['party', 'code'], name='ledger_account_by_party')],
                'constraints': [models.UniqueConstraint(fields=('code', 'subject', 'currency'), name='ledger_one_account_each'), models.UniqueConstraint(fields=('id', 'currency'), name='ledger_account_currency'), models.CheckConstraint(condition=models.Q(('debits_minor__gte', 0), ('credits_minor__gte', 0)), name='ledger_sums_not_negative'), models.CheckConstraint(condition=models.Q(models.Q(('subject', ''), _negated=True), models.Q(('debits_minor', 0), ('credits_minor', 0)), _connector='OR'), name='ledger_control_keeps_no_sum'), models.CheckConstraint(condition=models.Q(models.Q(('code', 'receivable'), _negated=True), ('debits_minor__gte', models.F('credits_minor')), _connector='OR'), name='ledger_receivable_never_in_credit'), models.CheckConstraint(condition=models.Q(models.Q(('code__in', ['unapplied', 'unidentified']), _negated=True), ('credits_minor__gte', models.F('debits_minor')), _connector='OR'), name='ledger_unapplied_never_in_debit')],
            },
        ),
        migrations.CreateModel(
            name='Transfer',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('key', models.TextField(unique=True)),
                ('amount_minor', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('effective_date', models.DateField()),
                ('booked_on', models.DateField()),
                ('posted_at', models.DateTimeField()),
                ('reason', models.TextField()),
                ('evidence', models.TextField(blank=True, default='')),
                ('credit', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.account')),
                ('debit', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.account')),
                ('feed_row', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='platform.feedrow')),
                ('reverses', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.transfer')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('evidence', ''), _negated=True), fields=['evidence'], name='ledger_transfer_by_evidence'), django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['feed_row'], name='ledger_transfer_by_feed_row')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='ledger_amount_positive'), models.CheckConstraint(condition=models.Q(('debit', models.F('credit')), _negated=True), name='ledger_two_accounts'), models.CheckConstraint(condition=models.Q(('booked_on__gte', models.F('effective_date'))), name='ledger_booked_after_fact')],
            },
        ),
        migrations.CreateModel(
            name='Books',
            fields=[
                ('id', models.SmallIntegerField(primary_key=True, serialize=False)),
                ('closed_through', models.DateField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='ledger_books_one_row'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('closed_through__isnull', True)), models.Q(('closed_at__isnull', False), ('closed_through__isnull', False)), _connector='OR'), name='ledger_books_closed_at_a_time')],
            },
        ),
        sql("transfers"),
        sql("books"),
        sql("posting"),
        sql("applications"),
    ]
