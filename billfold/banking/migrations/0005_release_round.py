"""Let a file be approved again before it is sent once more. Defaults serve the version before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("banking", "0004_statement_append_only")]
    operations = [
        migrations.AddField(
            model_name="bankfile",
            name="release_round",
            field=models.SmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name="fileapproval",
            name="round",
            field=models.SmallIntegerField(db_default=1, default=1),
        ),
        migrations.RemoveConstraint(model_name="fileapproval", name="approval_once_each"),
        migrations.AddConstraint(
            model_name="fileapproval",
            constraint=models.UniqueConstraint(
                fields=("file", "actor_id", "round"), name="approval_once_each"
            ),
        ),
    ]
