"""Keep one index of what each row is looked up by, not two that begin alike."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0003_checkpoint"),
    ]

    operations = [
        # Altering the fields would check every row's foreign key again, under a lock.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="entry",
                    name="account",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="ledger.account",
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL(
                    'DROP INDEX "ledger_entry_account_id_e9f5e345"',
                    'CREATE INDEX "ledger_entry_account_id_e9f5e345" ON "ledger_entry" ("account_id")',
                ),
            ],
        ),
    ]
