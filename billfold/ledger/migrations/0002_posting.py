from pathlib import Path

from django.db import migrations

from billfold.platform.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("platform", "0002_append_only")]
    operations = [
        append_only("ledger_transfer"),
        migrations.RunSQL(
            (Path(__file__).parent / "0002_account_ids.sql").read_text(),
            "DROP FUNCTION ledger_account_ids",
        ),
        migrations.RunSQL(
            (Path(__file__).parent / "0002_posting.sql").read_text(),
            "DROP FUNCTION ledger_post",
        ),
    ]
