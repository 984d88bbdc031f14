"""Keep one index of what each row is looked up by, not two that begin alike."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_plural_of_category"),
        ("orders", "0003_fill_amounts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Altering the fields would check every row's foreign key again, under a lock.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="order",
                    name="buyer",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="purchase",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="orders.purchase",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="shop",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="catalog.shop",
                    ),
                ),
            ],
            database_operations=[
                # Of a constraint that stays; nobody looks for numbers by how they begin.
                migrations.RunSQL(
                    'DROP INDEX "orders_order_number_abc9e0f2_like"',
                    'CREATE INDEX "orders_order_number_abc9e0f2_like" ON "orders_order"'
                    ' ("number" varchar_pattern_ops)',
                ),
                migrations.RunSQL(
                    'DROP INDEX "orders_order_purchase_id_84ec5192"',
                    'CREATE INDEX "orders_order_purchase_id_84ec5192" ON "orders_order" ("purchase_id")',
                ),
                migrations.RunSQL(
                    'DROP INDEX "orders_order_shop_id_b562fb3d"',
                    'CREATE INDEX "orders_order_shop_id_b562fb3d" ON "orders_order" ("shop_id")',
                ),
                migrations.RunSQL(
                    'DROP INDEX "orders_order_buyer_id_26195532"',
                    'CREATE INDEX "orders_order_buyer_id_26195532" ON "orders_order" ("buyer_id")',
                ),
            ],
        ),
    ]
