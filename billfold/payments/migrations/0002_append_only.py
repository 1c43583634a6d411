from django.db import migrations

from billfold.platform.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("platform", "0002_append_only")]
    operations = [append_only("payments_paymentevent", "payments_remittance", "payments_application", "payments_methodchange")]
