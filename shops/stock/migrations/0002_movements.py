"""Room for movements, policies and the waitlist."""

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_plural_of_category"),
        ("stock", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="hold",
            name="buyer",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="hold",
            name="state",
            field=models.CharField(
                choices=[
                    ("held", "Held"),
                    ("committed", "Committed"),
                    ("sold", "Sold"),
                    ("released", "Released"),
                    ("expired", "Expired"),
                ],
                default="held",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="ReservationPolicy",
            fields=[
                (
                    "product",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="reservation_policy",
                        serialize=False,
                        to="catalog.product",
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("cart_hold", "Kept from the cart on"),
                            ("checkout_hold", "Kept from checkout on"),
                            ("first_paid", "Whoever pays first"),
                        ],
                        default="checkout_hold",
                        max_length=20,
                    ),
                ),
                (
                    "hold_seconds",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(60),
                            django.core.validators.MaxValueValidator(900),
                        ],
                    ),
                ),
                (
                    "most_per_buyer",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(99),
                        ],
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("hold_seconds__isnull", True),
                            models.Q(("hold_seconds__gte", 60), ("hold_seconds__lte", 900)),
                            _connector="OR",
                        ),
                        name="stock_policy_hold_seconds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("most_per_buyer__isnull", True),
                            models.Q(("most_per_buyer__gte", 1), ("most_per_buyer__lte", 99)),
                            _connector="OR",
                        ),
                        name="stock_policy_most_per_buyer",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StockMovement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opening", "Opening"),
                            ("received", "Received"),
                            ("corrected", "Corrected"),
                            ("held", "Held"),
                            ("released", "Released"),
                            ("expired", "Expired"),
                            ("committed", "Ordered"),
                            ("freed", "Order given back"),
                            ("sold", "Sold and shipped"),
                            ("returned", "Returned"),
                        ],
                        max_length=10,
                    ),
                ),
                ("quantity", models.PositiveIntegerField()),
                ("on_hand", models.IntegerField(db_default=0)),
                ("held", models.IntegerField(db_default=0)),
                ("committed", models.IntegerField(db_default=0)),
                ("hold_id", models.UUIDField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, db_default="", max_length=200)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sku",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="movements",
                        to="catalog.sku",
                    ),
                ),
                (
                    "undoes",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undone_by",
                        to="stock.stockmovement",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WaitlistEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quantity", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("offered", "Offered"),
                            ("taken", "Bought"),
                            ("declined", "Declined"),
                            ("expired", "Offer ran out"),
                            ("left", "Left"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("joined_at", models.DateTimeField()),
                ("offered", models.PositiveIntegerField(blank=True, null=True)),
                ("offer_until", models.DateTimeField(blank=True, null=True)),
                ("hold_id", models.UUIDField(blank=True, null=True)),
                (
                    "sku",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waitlist",
                        to="catalog.sku",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waitlist",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WaitlistEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_state", models.CharField(blank=True, max_length=10)),
                ("to_state", models.CharField(max_length=10)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="stock.waitlistentry",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="stockmovement",
            index=models.Index(fields=["sku", "id"], name="stock_movement_of_sku"),
        ),
        migrations.AddConstraint(
            model_name="stockmovement",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0)), name="stock_movement_quantity"
            ),
        ),
        migrations.AddConstraint(
            model_name="stockmovement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind", "opening"),
                    models.Q(
                        ("committed", 0),
                        ("held", 0),
                        ("kind", "received"),
                        ("on_hand", models.F("quantity")),
                    ),
                    models.Q(
                        ("committed", 0),
                        ("held", 0),
                        ("kind", "corrected"),
                        ("on_hand", models.F("quantity")),
                    ),
                    models.Q(
                        ("committed", 0),
                        ("held", 0),
                        ("kind", "corrected"),
                        (
                            "on_hand",
                            django.db.models.expressions.CombinedExpression(
                                models.F("quantity"), "*", models.Value(-1)
                            ),
                        ),
                    ),
                    models.Q(
                        ("committed", 0),
                        ("held", models.F("quantity")),
                        ("kind", "held"),
                        ("on_hand", 0),
                    ),
                    models.Q(
                        ("committed", 0),
                        (
                            "held",
                            django.db.models.expressions.CombinedExpression(
                                models.F("quantity"), "*", models.Value(-1)
                            ),
                        ),
                        ("kind", "released"),
                        ("on_hand", 0),
                    ),
                    models.Q(
                        ("committed", 0),
                        (
                            "held",
                            django.db.models.expressions.CombinedExpression(
                                models.F("quantity"), "*", models.Value(-1)
                            ),
                        ),
                        ("kind", "expired"),
                        ("on_hand", 0),
                    ),
                    models.Q(
                        ("committed", models.F("quantity")),
                        (
                            "held",
                            django.db.models.expressions.CombinedExpression(
                                models.F("quantity"), "*", models.Value(-1)
                            ),
                        ),
                        ("kind", "committed"),
                        ("on_hand", 0),
                    ),
                    models.Q(
                        (
                            "committed",
                            django.db.models.expressions.CombinedExpression(
                                models.F("quantity"), "*", models.Value(-1)
                            ),
                        ),
                        ("held", 0),
                        ("kind", "freed"),
                        ("on_hand", 0),
                    ),
                    models.Q(
                        (
                            "committed",
                            django.db.models.expressions.CombinedExpression(
                                models.F("quantity"), "*", models.Value(-1)
                            ),
                        ),
                        ("held", 0),
                        ("kind", "sold"),
                        (
                            "on_hand",
                            django.db.models.expressions.CombinedExpression(
                                models.F("quantity"), "*", models.Value(-1)
                            ),
                        ),
                    ),
                    models.Q(
                        ("committed", 0),
                        ("held", 0),
                        ("kind", "returned"),
                        ("on_hand", models.F("quantity")),
                    ),
                    _connector="OR",
                ),
                name="stock_movement_of_its_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="stockmovement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undoes__isnull", False)),
                fields=("undoes",),
                name="stock_movement_undone_once",
            ),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["sku", "id"], name="stock_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0)), name="stock_entry_quantity"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["waiting", "offered"])),
                fields=("sku", "user"),
                name="stock_entry_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("hold_id__isnull", False)),
                fields=("hold_id",),
                name="stock_entry_hold",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "offered"), _negated=True),
                    models.Q(
                        ("hold_id__isnull", False),
                        ("offer_until__isnull", False),
                        ("offered__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="stock_entry_offer",
            ),
        ),
    ]
