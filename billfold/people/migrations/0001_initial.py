"""People who sign in, and their attempts to."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.text
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
    ]

    operations = [
        migrations.CreateModel(
            name='Person',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254)),
                ('name', models.TextField()),
                ('must_change_password', models.BooleanField(db_default=False, default=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='people_one_login_per_email'), models.CheckConstraint(condition=models.Q(('email', django.db.models.functions.text.Lower('email'))), name='people_email_is_lower_case')],
            },
        ),
        migrations.CreateModel(
            name='SignInAttempt',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('target', models.TextField()),
                ('source', models.TextField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['target', 'at'], name='attempt_by_target'), models.Index(fields=['source', 'at'], name='attempt_by_source')],
            },
        ),
        migrations.CreateModel(
            name='RoleGrant',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('number', models.IntegerField()),
                ('role', models.TextField(choices=[('payer', 'Payer'), ('clerk', 'Clerk'), ('treasurer', 'Treasurer')])),
                ('is_active', models.BooleanField()),
                ('by_id', models.TextField()),
                ('by_name', models.TextField()),
                ('why', models.TextField(blank=True, default='')),
                ('at', models.DateTimeField()),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('person', 'number'), name='people_grants_in_order'), models.CheckConstraint(condition=models.Q(('role__in', ['payer', 'clerk', 'treasurer'])), name='people_role_is_known'), models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='people_grants_count_from_one')],
            },
        ),
        migrations.CreateModel(
            name='PersonRight',
            fields=[
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='right', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('number', models.IntegerField()),
                ('role', models.TextField(choices=[('payer', 'Payer'), ('clerk', 'Clerk'), ('treasurer', 'Treasurer')])),
                ('is_active', models.BooleanField()),
            ],
            options={
                'db_table': 'people_right',
                'managed': False,
            },
        ),
        sql("rights"),
    ]
