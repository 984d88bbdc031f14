"""Keep one index of what each row is looked up by, not two that begin alike."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("checkout", "0003_amounts_of_old_quotes"),
    ]

    operations = [
        # Altering the fields would check every row's foreign key again, under a lock.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="cartline",
                    name="cart",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="checkout.cart",
                    ),
                ),
                migrations.AlterField(
                    model_name="quoteshipment",
                    name="quote",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shipments",
                        to="checkout.quote",
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL(
                    'DROP INDEX "checkout_cartline_cart_id_918108c9"',
                    'CREATE INDEX "checkout_cartline_cart_id_918108c9" ON "checkout_cartline" ("cart_id")',
                ),
                migrations.RunSQL(
                    'DROP INDEX "checkout_quoteshipment_quote_id_dda9a5a4"',
                    'CREATE INDEX "checkout_quoteshipment_quote_id_dda9a5a4" ON "checkout_quoteshipment" ("quote_id")',
                ),
            ],
        ),
    ]
