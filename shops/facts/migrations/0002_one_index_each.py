"""Keep one index of what each row is looked up by, not two that begin alike."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("facts", "0001_initial"),
    ]

    operations = [
        # Altering the fields would check every row's foreign key again, under a lock.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="reaction",
                    name="event",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reactions",
                        to="facts.event",
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL(
                    'DROP INDEX "facts_reaction_event_id_4d626b90"',
                    'CREATE INDEX "facts_reaction_event_id_4d626b90" ON "facts_reaction" ("event_id")',
                ),
            ],
        ),
    ]
