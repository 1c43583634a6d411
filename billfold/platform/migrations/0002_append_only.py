from django.db import migrations

from billfold.platform.append_only import CREATE_FUNCTION, append_only


class Migration(migrations.Migration):
    dependencies = [("platform", "0001_initial")]
    operations = [
        migrations.RunSQL(CREATE_FUNCTION, "DROP FUNCTION refuse_change()"),
        append_only("platform_auditentry", "platform_auditseal", "platform_auditlink"),
    ]
