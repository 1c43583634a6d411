"""The outbox."""

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('key', models.TextField(unique=True)),
                ('kind', models.TextField()),
                ('to_email', models.TextField()),
                ('to_name', models.TextField(default='')),
                ('subject', models.TextField()),
                ('body', models.TextField()),
                ('about', models.TextField()),
                ('queued_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('sent_at__isnull', True)), fields=['queued_at'], name='notice_waiting'), models.Index(fields=['about'], name='notice_by_subject')],
            },
        ),
    ]
