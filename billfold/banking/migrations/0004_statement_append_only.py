from django.db import migrations

from billfold.platform.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("banking", "0003_closed_through"), ("platform", "0002_append_only")]
    operations = [append_only("banking_statement")]
