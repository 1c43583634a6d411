"""Payment methods, mandates, payments and what happened to them."""

from pathlib import Path

import django.contrib.postgres.indexes
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
        ('banking', '0001_initial'),
        ('ledger', '0001_initial'),
        ('receivables', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CutOff',
            fields=[
                ('pk', models.CompositePrimaryKey('connection_id', 'business_date', blank=True, editable=False, primary_key=True, serialize=False)),
                ('business_date', models.DateField()),
                ('run_at', models.DateTimeField()),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='banking.bankconnection')),
            ],
        ),
        migrations.CreateModel(
            name='ProofRun',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('broken', models.JSONField(default=list)),
            ],
        ),
        migrations.CreateModel(
            name='Mandate',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.TextField()),
                ('sec_code', models.CharField(max_length=3)),
                ('text', models.TextField()),
                ('text_version', models.TextField()),
                ('amount_minor', models.BigIntegerField(null=True)),
                ('currency', models.CharField(default='USD', max_length=3)),
                ('agreed_at', models.DateTimeField()),
                ('agreed_by_id', models.TextField()),
                ('agreed_by_name', models.TextField()),
                ('ip_address', models.TextField(blank=True, default='')),
                ('user_agent', models.TextField(blank=True, default='')),
                ('signed_in_by', models.TextField(default='password')),
                ('validated_by', models.TextField(blank=True, default='')),
                ('validated_at', models.DateTimeField(null=True)),
                ('validation_evidence', models.TextField(blank=True, default='')),
                ('revoked_at', models.DateTimeField(null=True)),
                ('revoked_why', models.TextField(blank=True, default='')),
            ],
        ),
        migrations.CreateModel(
            name='PaymentMethod',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.TextField(default='bank')),
                ('label', models.TextField()),
                ('account_fingerprint', models.TextField()),
                ('is_remembered', models.BooleanField(default=False)),
                ('is_default', models.BooleanField(db_default=False, default=False)),
                ('is_backup', models.BooleanField(db_default=False, default=False)),
                ('nickname', models.CharField(blank=True, db_default='', default='', max_length=40)),
                ('state', models.TextField(choices=[('active', 'Active'), ('held', 'On hold'), ('frozen', 'No longer usable'), ('removed', 'Removed')], default='active')),
                ('state_reason', models.TextField(blank=True, default='')),
                ('state_since', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('owner_customer', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='receivables.customer')),
                ('owner_person', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='BankAccount',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('routing_number', models.CharField(max_length=9)),
                ('bank_name', models.TextField(blank=True, default='')),
                ('number_sealed', models.BinaryField()),
                ('account_fingerprint', models.TextField()),
                ('account_fingerprint_with_zeros', models.TextField()),
                ('last4', models.CharField(max_length=4)),
                ('account_type', models.TextField()),
                ('holder', models.TextField()),
                ('holder_name', models.TextField()),
                ('code', models.TextField(blank=True, default='')),
                ('evidence', models.TextField(blank=True, default='')),
                ('created_at', models.DateTimeField()),
                ('method', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='payments.paymentmethod')),
                ('replaces', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='payments.bankaccount')),
            ],
        ),
        migrations.CreateModel(
            name='PresentAccount',
            fields=[
                ('account', models.OneToOneField(db_column='id', on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='+', serialize=False, to='payments.bankaccount')),
                ('method', models.OneToOneField(on_delete=django.db.models.deletion.DO_NOTHING, related_name='present', to='payments.paymentmethod')),
            ],
            options={
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='MethodAccess',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('since', models.DateTimeField()),
                ('by_id', models.TextField()),
                ('by_name', models.TextField()),
                ('until', models.DateTimeField(null=True)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='receivables.customer')),
                ('method', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accesses', to='payments.paymentmethod')),
            ],
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('reference', models.TextField(db_collation='C', unique=True)),
                ('request_hash', models.CharField(max_length=64)),
                ('made_by_id', models.TextField()),
                ('made_by_name', models.TextField()),
                ('method_label', models.TextField()),
                ('amount_minor', models.BigIntegerField()),
                ('currency', models.CharField(default='USD', max_length=3)),
                ('rail', models.TextField(db_default='ach', default='ach')),
                ('state', models.TextField(default='scheduled')),
                ('received_date', models.DateField()),
                ('collect_on', models.DateField()),
                ('reflected_by', models.DateField(null=True)),
                ('created_at', models.DateTimeField()),
                ('feed_row', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='platform.feedrow')),
                ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='banking.bankconnection')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='receivables.customer')),
                ('mandate', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='payments.mandate')),
                ('retry_of', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='payments.payment')),
                ('method', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='payments.paymentmethod')),
            ],
        ),
        migrations.AddField(
            model_name='mandate',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='payments.bankaccount'),
        ),
        migrations.AddField(
            model_name='mandate',
            name='method',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mandates', to='payments.paymentmethod'),
        ),
        migrations.CreateModel(
            name='Remittance',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('amount_minor', models.BigIntegerField()),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='receivables.invoice')),
                ('payment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='remittances', to='payments.payment')),
            ],
        ),
        migrations.CreateModel(
            name='Instruction',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.TextField(default='payment')),
                ('odfi', models.CharField(max_length=8)),
                ('trace', models.CharField(max_length=15)),
                ('amount_minor', models.BigIntegerField()),
                ('currency', models.CharField(default='USD', max_length=3)),
                ('rdfi', models.CharField(max_length=8)),
                ('method_label', models.TextField()),
                ('is_live', models.BooleanField(default=True)),
                ('answer', models.TextField(blank=True, db_default='', default='')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='banking.bankfile')),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='instructions', to='payments.payment')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('odfi', 'trace'), name='instruction_trace_once'), models.UniqueConstraint(condition=models.Q(('is_live', True)), fields=('payment', 'kind'), name='instruction_one_live_per_kind'), models.CheckConstraint(condition=models.Q(models.Q(('amount_minor__gt', 0), ('kind', 'payment')), models.Q(('amount_minor', 0), ('kind', 'prenote')), _connector='OR'), name='instruction_amount_is_of_its_kind')],
            },
        ),
        migrations.CreateModel(
            name='PrenoteProof',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('mandate', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='prenote_proofs', to='payments.mandate')),
                ('prenote', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='payments.instruction')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('mandate', 'prenote'), name='prenote_proves_once')],
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('key', models.TextField(unique=True)),
                ('kind', models.TextField()),
                ('title', models.TextField()),
                ('facts', models.JSONField(default=dict)),
                ('evidence', models.TextField(blank=True, default='')),
                ('owner_name', models.TextField(blank=True, default='')),
                ('opened_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_by', models.TextField(blank=True, default='')),
                ('resolution', models.TextField(blank=True, default='')),
                ('payment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='payments.payment')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['opened_at'], name='case_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(('closed_at__isnull', True), models.Q(('resolution', ''), _negated=True), _connector='OR'), name='case_closes_with_a_resolution')],
            },
        ),
        migrations.CreateModel(
            name='CaseNote',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('by_name', models.TextField()),
                ('text', models.TextField()),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='payments.case')),
            ],
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('actor_id', models.TextField()),
                ('actor_name', models.TextField()),
                ('why', models.TextField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('why', ''), _negated=True), name='decision_gives_a_reason')],
            },
        ),
        migrations.CreateModel(
            name='SubjectEvent',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('subject', models.TextField()),
                ('key', models.TextField()),
                ('kind', models.TextField()),
                ('on_date', models.DateField()),
                ('at', models.DateTimeField()),
                ('code', models.TextField(blank=True, default='')),
                ('evidence', models.TextField(blank=True, default='')),
                ('outcome', models.TextField()),
                ('feed_row', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='platform.feedrow')),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['feed_row'], name='event_by_feed_row')],
                'constraints': [models.UniqueConstraint(fields=('subject', 'key'), name='event_once_per_subject'), models.UniqueConstraint(condition=models.Q(('kind__in', ['settled', 'returned', 'takenback']), models.Q(('outcome', 'stray'), _negated=True)), fields=('subject', 'kind'), name='event_moves_money_once')],
            },
        ),
        migrations.AddIndex(
            model_name='paymentmethod',
            index=models.Index(fields=['account_fingerprint'], name='method_by_fingerprint'),
        ),
        migrations.AddConstraint(
            model_name='paymentmethod',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['bank', 'card'])), name='method_kind'),
        ),
        migrations.AddConstraint(
            model_name='paymentmethod',
            constraint=models.CheckConstraint(condition=models.Q(('owner_person__isnull', True), ('owner_customer__isnull', True), _connector='OR'), name='method_has_one_owner_at_most'),
        ),
        migrations.AddConstraint(
            model_name='paymentmethod',
            constraint=models.CheckConstraint(condition=models.Q(('is_remembered', False), ('owner_person__isnull', False), ('owner_customer__isnull', False), _connector='OR'), name='method_of_nobody_is_not_remembered'),
        ),
        migrations.AddConstraint(
            model_name='paymentmethod',
            constraint=models.CheckConstraint(condition=models.Q(('is_default', False), ('is_backup', False), _connector='OR'), name='method_default_or_backup'),
        ),
        migrations.AddConstraint(
            model_name='paymentmethod',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['active', 'held', 'frozen', 'removed'])), name='method_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='paymentmethod',
            constraint=models.UniqueConstraint(condition=models.Q(('is_remembered', True), ('owner_person__isnull', False)), fields=('owner_person', 'account_fingerprint'), name='method_saved_once_a_person'),
        ),
        migrations.AddConstraint(
            model_name='paymentmethod',
            constraint=models.UniqueConstraint(condition=models.Q(('is_remembered', True), ('owner_customer__isnull', False)), fields=('owner_customer', 'account_fingerprint'), name='method_saved_once_a_company'),
        ),
        migrations.AddConstraint(
            model_name='bankaccount',
            constraint=models.CheckConstraint(condition=models.Q(('account_type__in', ['checking', 'savings'])), name='account_type_is_known'),
        ),
        migrations.AddConstraint(
            model_name='bankaccount',
            constraint=models.CheckConstraint(condition=models.Q(('holder__in', ['personal', 'business'])), name='account_holder_is_known'),
        ),
        migrations.AddConstraint(
            model_name='bankaccount',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('code', ''), ('evidence', ''), ('replaces__isnull', True)), models.Q(('replaces__isnull', False), models.Q(('code', ''), _negated=True), models.Q(('evidence', ''), _negated=True)), _connector='OR'), name='account_entered_or_corrected'),
        ),
        migrations.AddConstraint(
            model_name='bankaccount',
            constraint=models.UniqueConstraint(condition=models.Q(('replaces__isnull', True)), fields=('method',), name='account_entered_once'),
        ),
        migrations.AddConstraint(
            model_name='bankaccount',
            constraint=models.UniqueConstraint(condition=models.Q(('replaces__isnull', False)), fields=('replaces',), name='account_replaced_once'),
        ),
        migrations.AddConstraint(
            model_name='methodaccess',
            constraint=models.UniqueConstraint(condition=models.Q(('until__isnull', True)), fields=('method', 'customer'), name='method_access_once'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('state', 'scheduled')), fields=['connection', 'collect_on', 'id'], name='payment_due'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['customer', '-created_at'], name='payment_by_customer'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['-created_at'], name='payment_newest'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['amount_minor', 'created_at'], name='payment_by_amount'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('state', 'returned')), fields=['amount_minor'], name='payment_returned'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['feed_row'], name='payment_by_feed_row'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='payment_above_zero'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['scheduled', 'in_transit', 'unknown', 'settled', 'returned', 'failed', 'canceled'])), name='payment_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='mandate',
            constraint=models.CheckConstraint(condition=models.Q(('sec_code__in', ['WEB', 'PPD', 'CCD'])), name='mandate_sec_code'),
        ),
        migrations.AddConstraint(
            model_name='mandate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount_minor__isnull', True), ('kind', 'recurring')), models.Q(('amount_minor__gt', 0), ('kind__in', ['single', 'recurring'])), _connector='OR'), name='mandate_kind_and_amount'),
        ),
        migrations.AddConstraint(
            model_name='remittance',
            constraint=models.UniqueConstraint(fields=('payment', 'invoice'), name='remittance_once'),
        ),
        migrations.AddConstraint(
            model_name='remittance',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='remittance_above_zero'),
        ),
        sql("append_only"),
        sql("methods"),
        sql("standing"),
        sql("match_changes"),
    ]
