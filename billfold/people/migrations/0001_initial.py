"""People who sign in, and their attempts to."""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='Person',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254)),
                ('name', models.TextField()),
                ('role', models.TextField(choices=[('payer', 'Payer'), ('clerk', 'Clerk'), ('treasurer', 'Treasurer')], default='payer')),
                ('is_active', models.BooleanField(default=True)),
                ('must_change_password', models.BooleanField(db_default=False, default=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='people_one_login_per_email'), models.CheckConstraint(condition=models.Q(('email', django.db.models.functions.text.Lower('email'))), name='people_email_is_lower_case'), models.CheckConstraint(condition=models.Q(('role__in', ['payer', 'clerk', 'treasurer'])), name='people_role_is_known')],
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
    ]
