from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0004_cutoff_keeps_no_sums")]
    operations = [
        AddIndexConcurrently(
            model_name="paymentmethod",
            index=models.Index(fields=["account_fingerprint"], name="method_by_fingerprint"),
        ),
    ]
