"""Bank connections, files, statements and their lines."""

import datetime
from pathlib import Path

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
            name='RoutingNumber',
            fields=[
                ('number', models.CharField(max_length=9, primary_key=True, serialize=False)),
                ('bank_name', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='BankConnection',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('name', models.TextField(unique=True)),
                ('bank_name', models.TextField()),
                ('odfi_routing_number', models.CharField(max_length=9)),
                ('immediate_origin', models.TextField()),
                ('company_name', models.TextField()),
                ('company_id', models.TextField()),
                ('entry_description', models.TextField(default='BILL PAY')),
                ('balanced', models.BooleanField(default=False)),
                ('settlement', models.TextField(default='gross')),
                ('account_number_sealed', models.BinaryField()),
                ('account_fingerprint', models.TextField(unique=True)),
                ('account_last4', models.CharField(max_length=4)),
                ('max_entries', models.IntegerField(default=100000)),
                ('max_file_minor', models.BigIntegerField(db_default=999999999999, default=999999999999)),
                ('line_end', models.TextField(default='\n')),
                ('cutoff_eastern', models.TimeField(default=datetime.time(17, 0))),
                ('zone', models.TextField(db_default='America/New_York', default='America/New_York')),
                ('two_people_release', models.BooleanField(default=True)),
                ('release_limit_minor', models.BigIntegerField(default=0)),
                ('account_validation', models.TextField(default='bank_service')),
                ('lockboxes', models.TextField(blank=True, db_default='', default='')),
                ('transport', models.JSONField(default=dict)),
                ('is_default', models.BooleanField(db_default=False, default=False)),
                ('last_sequence', models.BigIntegerField(default=0)),
                ('closed_through', models.DateField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('settlement__in', ['gross', 'net'])), name='connection_settlement_known'), models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('is_default',), name='connection_one_is_default')],
            },
        ),
        migrations.CreateModel(
            name='BankFile',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('direction', models.TextField(choices=[('out', 'Out'), ('in', 'In')])),
                ('kind', models.TextField()),
                ('name', models.TextField()),
                ('sha256', models.CharField(max_length=64)),
                ('size', models.BigIntegerField()),
                ('facts_fingerprint', models.TextField(blank=True, db_default='', default='')),
                ('state', models.TextField(choices=[('built', 'Needs approval'), ('released', 'Released'), ('sending', 'Sending'), ('sent', 'Sent'), ('accepted', 'Accepted'), ('rejected', 'Rejected'), ('void', 'Void'), ('received', 'Received'), ('waiting', 'Waits for two people'), ('read', 'Posted'), ('refused', 'Could not be read')])),
                ('made_at', models.DateTimeField()),
                ('made_by', models.TextField()),
                ('added_by_id', models.TextField(blank=True, db_default='', default='')),
                ('business_date', models.DateField(null=True)),
                ('modifier', models.CharField(blank=True, default='', max_length=1)),
                ('effective_date', models.DateField(null=True)),
                ('entry_count', models.IntegerField(default=0)),
                ('debit_minor', models.BigIntegerField(default=0)),
                ('credit_minor', models.BigIntegerField(default=0)),
                ('release_round', models.SmallIntegerField(db_default=1, default=1)),
                ('released_at', models.DateTimeField(null=True)),
                ('sent_at', models.DateTimeField(null=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('problems', models.JSONField(default=list)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='banking.bankconnection')),
            ],
        ),
        migrations.CreateModel(
            name='BankFileContent',
            fields=[
                ('file', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='content', serialize=False, to='banking.bankfile')),
                ('content_sealed', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='FileApproval',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('sha256', models.CharField(max_length=64)),
                ('actor_id', models.TextField()),
                ('actor_name', models.TextField()),
                ('at', models.DateTimeField()),
                ('round', models.SmallIntegerField(db_default=1, default=1)),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='banking.bankfile')),
            ],
        ),
        migrations.CreateModel(
            name='StatementDecision',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('verdict', models.TextField(choices=[('accept', 'Accept'), ('refuse', 'Refuse')])),
                ('why', models.TextField(blank=True, default='')),
                ('actor_id', models.TextField()),
                ('actor_name', models.TextField()),
                ('at', models.DateTimeField()),
                ('round', models.SmallIntegerField()),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='banking.bankfile')),
            ],
        ),
        migrations.CreateModel(
            name='FileRepeat',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('name', models.TextField()),
                ('at', models.DateTimeField()),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='repeats', to='banking.bankfile')),
            ],
        ),
        migrations.CreateModel(
            name='Statement',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('as_of', models.DateField()),
                ('opening_minor', models.BigIntegerField(null=True)),
                ('closing_minor', models.BigIntegerField(null=True)),
                ('currency', models.CharField(default='USD', max_length=3)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='banking.bankconnection')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='banking.bankfile')),
            ],
        ),
        migrations.CreateModel(
            name='BankLine',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('as_of', models.DateField()),
                ('type_code', models.CharField(max_length=3)),
                ('is_credit', models.BooleanField()),
                ('amount_minor', models.BigIntegerField()),
                ('currency', models.CharField(default='USD', max_length=3)),
                ('bank_reference', models.TextField(blank=True, default='')),
                ('customer_reference', models.TextField(blank=True, default='')),
                ('text_sealed', models.BinaryField()),
                ('text_fingerprint', models.TextField()),
                ('occurrence', models.IntegerField()),
                ('line', models.IntegerField()),
                ('explained_at', models.DateTimeField(null=True)),
                ('is_due', models.BooleanField(db_default=True, default=True)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='banking.bankconnection')),
                ('statement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='banking.statement')),
            ],
        ),
        migrations.CreateModel(
            name='MatchChange',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('amount_minor', models.BigIntegerField(null=True)),
                ('currency', models.CharField(db_default='USD', default='USD', max_length=3)),
                ('file', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='banking.bankfile')),
            ],
        ),
        migrations.AddIndex(
            model_name='bankfile',
            index=models.Index(fields=['state'], name='bankfile_by_state'),
        ),
        migrations.AddIndex(
            model_name='bankfile',
            index=models.Index(fields=['-made_at'], name='bankfile_newest'),
        ),
        migrations.AddConstraint(
            model_name='bankfile',
            constraint=models.UniqueConstraint(fields=('direction', 'sha256'), name='bankfile_once'),
        ),
        migrations.AddConstraint(
            model_name='bankfile',
            constraint=models.UniqueConstraint(condition=models.Q(('direction', 'out')), fields=('connection', 'business_date', 'modifier'), name='bankfile_one_modifier_a_day'),
        ),
        migrations.AddConstraint(
            model_name='bankfile',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['built', 'released', 'sending', 'sent', 'accepted', 'rejected', 'void', 'received', 'waiting', 'read', 'refused'])), name='bankfile_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='fileapproval',
            constraint=models.UniqueConstraint(fields=('file', 'actor_id', 'round'), name='approval_once_each'),
        ),
        migrations.AddConstraint(
            model_name='statementdecision',
            constraint=models.UniqueConstraint(fields=('file', 'actor_id', 'verdict', 'round'), name='decision_once_each'),
        ),
        migrations.AddConstraint(
            model_name='filerepeat',
            constraint=models.UniqueConstraint(fields=('file', 'name'), name='repeat_noted_once'),
        ),
        migrations.AddConstraint(
            model_name='statement',
            constraint=models.UniqueConstraint(fields=('connection', 'as_of'), name='statement_one_a_day'),
        ),
        migrations.AddIndex(
            model_name='bankline',
            index=models.Index(condition=models.Q(('explained_at__isnull', True)), fields=['as_of'], name='bankline_unexplained'),
        ),
        migrations.AddIndex(
            model_name='bankline',
            index=models.Index(condition=models.Q(('is_due', True)), fields=['as_of', 'line', 'id'], name='bankline_due'),
        ),
        migrations.AddConstraint(
            model_name='bankline',
            constraint=models.UniqueConstraint(fields=('connection', 'as_of', 'type_code', 'amount_minor', 'bank_reference', 'customer_reference', 'text_fingerprint', 'occurrence'), name='bankline_once'),
        ),
        migrations.AddConstraint(
            model_name='bankline',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0)), name='bankline_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='matchchange',
            constraint=models.CheckConstraint(condition=models.Q(('file__isnull', False), ('amount_minor__isnull', False), _connector='OR'), name='matchchange_says_of_what'),
        ),
        sql("append_only"),
        sql("match_changes"),
    ]
