from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_append_only")]
    operations = [
        migrations.AddField(
            model_name="paymentmethod",
            name="is_default",
            field=models.BooleanField(default=False, db_default=False),
        ),
        migrations.AddField(
            model_name="paymentmethod",
            name="nickname",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
    ]
