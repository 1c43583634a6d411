"""Say whose password was given by somebody else. The default serves the version before too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="person",
            name="must_change_password",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
