"""The audit trail, the feed, the brake, and which far sides keep silent."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

from billfold.platform.models import TransactionId


def sql(name):
    """Read what Django has no operation for, with its reverse."""
    folder = Path(__file__).parent
    return migrations.RunSQL(
        (folder / f"0001_{name}.sql").read_text(), (folder / f"0001_{name}_reverse.sql").read_text()
    )


class Migration(migrations.Migration):

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('actor_id', models.TextField()),
                ('actor_name', models.TextField()),
                ('on_behalf_of', models.TextField(default='')),
                ('action', models.TextField()),
                ('subject', models.TextField()),
                ('before', models.JSONField(default=dict)),
                ('after', models.JSONField(default=dict)),
                ('request_id', models.TextField(default='')),
            ],
        ),
        migrations.CreateModel(
            name='AuditUnsealed',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='platform.auditentry')),
            ],
        ),
        migrations.CreateModel(
            name='AuditSeal',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('hash', models.TextField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='ItemFailure',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('job', models.TextField()),
                ('item', models.TextField()),
                ('attempts', models.IntegerField(default=0)),
                ('error', models.TextField()),
                ('next_try_at', models.DateTimeField()),
                ('parked_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('job', 'item'), name='failure_one_per_item')],
            },
        ),
        migrations.CreateModel(
            name='AuditLink',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='platform.auditentry')),
                ('position', models.IntegerField()),
            ],
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['subject', 'at'], name='audit_by_subject'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['at'], name='audit_by_moment'),
        ),
        migrations.AddField(
            model_name='auditlink',
            name='seal',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='platform.auditseal'),
        ),
        migrations.AddConstraint(
            model_name='auditlink',
            constraint=models.UniqueConstraint(fields=('seal', 'position'), name='audit_one_place_each'),
        ),
        migrations.CreateModel(
            name='BrakeEntry',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('kind', models.TextField()),
                ('act', models.TextField()),
                ('at', models.DateTimeField()),
                ('actor_id', models.TextField()),
                ('actor_name', models.TextField()),
                ('why', models.TextField(default='')),
                ('seen', models.JSONField(default=dict)),
            ],
            options={
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('kind__in', ['finding', 'return-limit'])), name='brake_kind_is_known'),
                    models.CheckConstraint(condition=models.Q(('act__in', ['set', 'agreed', 'lifted', 'ended', 'warned'])), name='brake_act_is_known'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Silence',
            fields=[
                ('pk', models.CompositePrimaryKey('job', 'far_side', blank=True, editable=False, primary_key=True, serialize=False)),
                ('job', models.TextField()),
                ('far_side', models.TextField()),
                ('since', models.DateTimeField()),
                ('tries', models.IntegerField()),
                ('next_try_at', models.DateTimeField()),
                ('reason', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='FeedRow',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.TextField()),
                ('at', models.DateTimeField()),
                ('xid', TransactionId()),
                ('number', models.BigIntegerField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('number__isnull', True)), fields=['xid', 'id'], name='feed_waiting')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('number__isnull', False)), fields=('number',), name='feed_number_once')],
            },
        ),
        migrations.CreateModel(
            name='FeedSeries',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('place', models.TextField()),
            ],
        ),
        sql("append_only"),
        sql("unsealed"),
        sql("feed"),
    ]
