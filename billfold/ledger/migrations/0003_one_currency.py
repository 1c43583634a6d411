import django.db.models.deletion
from django.db import migrations, models

ADD = """
ALTER TABLE ledger_transfer
    ADD CONSTRAINT ledger_{side}_in_currency FOREIGN KEY ({side}_id, currency)
    REFERENCES ledger_account (id, currency);
"""
DROP = "ALTER TABLE ledger_transfer DROP CONSTRAINT ledger_{side}_in_currency;"


def one_currency(side):
    """The key to an account takes the currency along, so the server refuses to mix them.

    It stands in place of Django's own key, which would be checked once more, and only at commit.
    """
    field = models.ForeignKey(
        "ledger.account",
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        db_constraint=False,
    )
    return [
        migrations.AlterField("transfer", side, field),
        migrations.RunSQL(ADD.format(side=side), DROP.format(side=side)),
    ]


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_posting")]
    operations = one_currency("debit") + one_currency("credit")
