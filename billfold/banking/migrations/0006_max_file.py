"""Cap the money of one file, as some banks do. The default serves the version before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("banking", "0005_release_round")]
    operations = [
        migrations.AddField(
            model_name="bankconnection",
            name="max_file_minor",
            field=models.BigIntegerField(db_default=999_999_999_999, default=999_999_999_999),
        ),
    ]
