from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_method_by_fingerprint")]
    operations = [
        migrations.AddField(
            model_name="instruction",
            name="answer",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddConstraint(
            model_name="instruction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_live", True)),
                fields=("payment", "kind"),
                name="instruction_one_live_per_kind",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="instruction", name="instruction_one_live_per_payment"
        ),
        migrations.AddConstraint(
            model_name="instruction",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0), ("kind", "payment"))
                | models.Q(("amount_minor", 0), ("kind", "prenote")),
                name="instruction_amount_is_of_its_kind",
            ),
        ),
        migrations.RemoveConstraint(model_name="instruction", name="instruction_above_zero"),
    ]
