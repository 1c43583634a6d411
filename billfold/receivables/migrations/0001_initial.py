"""The biller's profile, its customers, and what they owe."""

from pathlib import Path

import django.db.models.deletion
from django.conf import settings
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
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Customer',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('number', models.TextField(unique=True)),
                ('name', models.TextField()),
                ('email', models.TextField(blank=True, default='')),
                ('address', models.TextField(blank=True, default='')),
                ('state', models.CharField(blank=True, default='', max_length=2)),
                ('terms', models.TextField(blank=True, default='')),
                ('paper_bill', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='FeeCap',
            fields=[
                ('state', models.CharField(max_length=2, primary_key=True, serialize=False)),
                ('cap_minor', models.BigIntegerField()),
                ('source', models.TextField()),
                ('reviewed_on', models.DateField()),
            ],
        ),
        migrations.CreateModel(
            name='ImportRun',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.TextField()),
                ('name', models.TextField()),
                ('sha256', models.CharField(max_length=64)),
                ('content', models.BinaryField()),
                ('at', models.DateTimeField()),
                ('by', models.TextField()),
                ('rows', models.IntegerField()),
                ('added', models.IntegerField()),
                ('changed', models.IntegerField()),
                ('total_minor', models.BigIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.TextField(choices=[('invoice', 'Invoice'), ('charge', 'Charge')], default='invoice')),
                ('number', models.TextField(unique=True)),
                ('reference', models.TextField(blank=True, default='')),
                ('invoice_date', models.DateField()),
                ('due_date', models.DateField()),
                ('issued_minor', models.BigIntegerField()),
                ('currency', models.CharField(default='USD', max_length=3)),
                ('description', models.TextField(blank=True, default='')),
                ('cause', models.TextField(null=True, unique=True)),
                ('created_at', models.DateTimeField()),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='receivables.customer')),
            ],
        ),
        migrations.CreateModel(
            name='BillerProfile',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('trade_name', models.TextField()),
                ('legal_name', models.TextField()),
                ('address', models.TextField()),
                ('state', models.CharField(max_length=2)),
                ('zone', models.TextField(default='America/New_York')),
                ('base_url', models.TextField(default='http://localhost:8000')),
                ('brand_color', models.TextField(default='#1d5c49')),
                ('support_phone', models.TextField(blank=True, default='')),
                ('support_email', models.TextField(blank=True, default='')),
                ('support_hours', models.TextField(blank=True, default='')),
                ('remit_to', models.TextField(blank=True, default='')),
                ('wire_routing_number', models.TextField(blank=True, default='')),
                ('ach_routing_number', models.TextField(blank=True, default='')),
                ('deposit_account_number', models.TextField(blank=True, default='')),
                ('swift_code', models.TextField(blank=True, default='')),
                ('return_fee_minor', models.BigIntegerField(default=2500)),
                ('paper_fee_minor', models.BigIntegerField(default=1000)),
                ('debit_days', models.SmallIntegerField(default=2)),
                ('check_days', models.SmallIntegerField(default=5)),
                ('return_limit_count', models.SmallIntegerField(default=10)),
                ('tiles', models.JSONField(default=list)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='profile_only_one'), models.CheckConstraint(condition=models.Q(('brand_color__regex', '^#[0-9a-fA-F]{6}$')), name='profile_brand_is_hex'), models.CheckConstraint(condition=models.Q(('return_fee_minor__gte', 0), ('paper_fee_minor__gte', 0)), name='profile_fees_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='InvoiceDocument',
            fields=[
                ('invoice', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='document', serialize=False, to='receivables.invoice')),
                ('name', models.TextField()),
                ('sha256', models.CharField(max_length=64)),
                ('content', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='CreditNote',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('number', models.TextField(unique=True)),
                ('credit_date', models.DateField()),
                ('amount_minor', models.BigIntegerField()),
                ('currency', models.CharField(default='USD', max_length=3)),
                ('reason', models.TextField(blank=True, default='')),
                ('created_at', models.DateTimeField()),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='receivables.customer')),
                ('invoice', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='receivables.invoice')),
            ],
        ),
        migrations.CreateModel(
            name='InvoiceLine',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('position', models.IntegerField()),
                ('description', models.TextField()),
                ('quantity', models.TextField(blank=True, default='')),
                ('amount_minor', models.BigIntegerField()),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='receivables.invoice')),
            ],
        ),
        migrations.CreateModel(
            name='AccessGrant',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('number', models.IntegerField()),
                ('role', models.TextField(blank=True, choices=[('view', 'View'), ('pay', 'Pay'), ('admin', 'Manage people')])),
                ('by_id', models.TextField()),
                ('by_name', models.TextField()),
                ('at', models.DateTimeField()),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='receivables.customer')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('person', 'customer', 'number'), name='access_grants_in_order'), models.CheckConstraint(condition=models.Q(('role__in', ['view', 'pay', 'admin', ''])), name='access_role_is_known'), models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='access_grants_count_from_one')],
            },
        ),
        migrations.CreateModel(
            name='Access',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('role', models.TextField(choices=[('view', 'View'), ('pay', 'Pay'), ('admin', 'Manage people')])),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, to=settings.AUTH_USER_MODEL)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, to='receivables.customer')),
            ],
            options={
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='InvoiceRevision',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('number', models.IntegerField()),
                ('amount_minor', models.BigIntegerField()),
                ('at', models.DateTimeField()),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='revisions', to='receivables.invoice')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('invoice', 'number'), name='revision_once'), models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0), ('number__gte', 2)), name='revision_above_zero')],
            },
        ),
        migrations.CreateModel(
            name='PresentAmount',
            fields=[
                ('invoice', models.OneToOneField(on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='present', serialize=False, to='receivables.invoice')),
                ('revision', models.IntegerField()),
                ('amount_minor', models.BigIntegerField()),
            ],
            options={
                'managed': False,
            },
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['customer', 'due_date'], name='invoice_by_customer_due'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['reference'], name='invoice_by_reference'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('issued_minor__gt', 0)), name='invoice_above_zero'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cause__isnull', True), ('kind', 'invoice')), models.Q(('cause__isnull', False), ('kind', 'charge')), _connector='OR'), name='invoice_charge_has_its_cause'),
        ),
        migrations.AddConstraint(
            model_name='creditnote',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='credit_above_zero'),
        ),
        migrations.AddConstraint(
            model_name='invoiceline',
            constraint=models.UniqueConstraint(fields=('invoice', 'position'), name='line_one_place_each'),
        ),
        sql("views"),
    ]
