import uuid

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("orders", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Dispute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Waiting for the shop's answer"),
                            ("answered", "Waiting for the decision"),
                            ("decided", "Decided"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("answer_by", models.DateTimeField()),
                ("decide_by", models.DateTimeField()),
                ("refund_minor", models.BigIntegerField(default=0)),
                ("decision", models.CharField(blank=True, max_length=1000)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DisputeMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "side",
                    models.CharField(
                        choices=[
                            ("buyer", "Buyer"),
                            ("shop", "Shop"),
                            ("operator", "liveshop"),
                            ("clock", "By itself"),
                        ],
                        max_length=10,
                    ),
                ),
                ("text", models.CharField(max_length=1000)),
                ("at", models.DateTimeField()),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "dispute",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="returns.dispute",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Return",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "Waiting for the shop"),
                            ("approved", "Approved, to be sent back"),
                            ("rejected", "Rejected"),
                            ("in_transit", "On its way back"),
                            ("received", "Back at the shop"),
                            ("refunded", "Refund decided"),
                            ("disputed", "In dispute"),
                            ("closed", "Closed"),
                        ],
                        default="requested",
                        max_length=10,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("changed_mind", "I changed my mind"),
                            ("damaged", "It arrived damaged"),
                            ("wrong_item", "It is not what I ordered"),
                            ("not_as_described", "It is not as described"),
                            ("never_arrived", "It never arrived"),
                            ("other", "Something else"),
                        ],
                        max_length=20,
                    ),
                ),
                ("words", models.CharField(blank=True, max_length=1000)),
                ("currency", models.CharField(max_length=3)),
                ("goods_minor", models.BigIntegerField()),
                ("shipping_minor", models.BigIntegerField(default=0)),
                ("refund_minor", models.BigIntegerField(default=0)),
                ("less_because", models.CharField(blank=True, max_length=200)),
                ("carrier", models.CharField(blank=True, max_length=60)),
                ("tracking_number", models.CharField(blank=True, max_length=60)),
                ("is_withdrawn", models.BooleanField(default=False)),
                ("requested_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("received_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="orders.order",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="dispute",
            name="case",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="dispute",
                to="returns.return",
            ),
        ),
        migrations.CreateModel(
            name="ReturnEvent",
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
                            ("requested", "Return requested"),
                            ("approved", "Approved"),
                            ("silence", "Approved, as the shop did not answer in time"),
                            ("rejected", "Rejected"),
                            ("sent", "Sent back"),
                            ("received", "Arrived at the shop"),
                            ("refunded", "Refund decided"),
                            ("kept", "Refund decided; the goods may be kept"),
                            ("refund_silence", "Refund decided, as the shop did not in time"),
                            ("paid_back", "The money was given back"),
                            ("refund_failed", "The provider refused to give the money back"),
                            ("refund_retried", "The refund is tried again"),
                            ("disputed", "Dispute opened"),
                            ("answered", "The shop answered"),
                            ("said", "Something was said about the dispute"),
                            ("withdrawn", "Dispute withdrawn"),
                            ("decided", "Dispute decided"),
                            ("cancelled", "Request taken back"),
                            ("lapsed", "Closed, as nothing was sent back in time"),
                            ("closed", "Closed"),
                            ("photos", "Photos added"),
                        ],
                        max_length=20,
                    ),
                ),
                ("from_state", models.CharField(blank=True, max_length=10)),
                ("to_state", models.CharField(max_length=10)),
                (
                    "side",
                    models.CharField(
                        choices=[
                            ("buyer", "Buyer"),
                            ("shop", "Shop"),
                            ("operator", "liveshop"),
                            ("clock", "By itself"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=1000)),
                ("amount_minor", models.BigIntegerField(blank=True, null=True)),
                ("at", models.DateTimeField()),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="returns.return",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReturnLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quantity", models.PositiveIntegerField()),
                ("amount_minor", models.BigIntegerField()),
                ("restocked", models.PositiveIntegerField(default=0)),
                ("written_off", models.PositiveIntegerField(default=0)),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="returns.return",
                    ),
                ),
                (
                    "order_line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="return_lines",
                        to="orders.orderline",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReturnPhoto",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                (
                    "side",
                    models.CharField(
                        choices=[
                            ("buyer", "Buyer"),
                            ("shop", "Shop"),
                            ("operator", "liveshop"),
                            ("clock", "By itself"),
                        ],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True)),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
                ("uploaded_at", models.DateTimeField()),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="photos",
                        to="returns.return",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReturnRefund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("due", "On its way"),
                            ("paid", "Given back"),
                            ("failed", "Failed"),
                        ],
                        default="due",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("decided_at", models.DateTimeField()),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="returns.return",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="return",
            index=models.Index(fields=["buyer", "-requested_at"], name="returns_of_buyer"),
        ),
        migrations.AddIndex(
            model_name="return",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="returns_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="return",
            constraint=models.CheckConstraint(
                condition=models.Q(("goods_minor__gte", 0), ("shipping_minor__gte", 0)),
                name="returns_asked_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="return",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("refund_minor__gte", 0),
                    (
                        "refund_minor__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("goods_minor"), "+", models.F("shipping_minor")
                        ),
                    ),
                ),
                name="returns_refund_within_asked",
            ),
        ),
        migrations.AddIndex(
            model_name="dispute",
            index=models.Index(fields=["state", "decide_by"], name="returns_disputes"),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(("refund_minor__gte", 0)), name="returns_dispute_refund"
            ),
        ),
        migrations.AddIndex(
            model_name="returnevent",
            index=models.Index(fields=["case", "at"], name="returns_events"),
        ),
        migrations.AddConstraint(
            model_name="returnline",
            constraint=models.UniqueConstraint(
                fields=("case", "order_line"), name="returns_line_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="returnline",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0), ("amount_minor__gte", 0)),
                name="returns_line_amounts",
            ),
        ),
        migrations.AddConstraint(
            model_name="returnline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "restocked__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("quantity"), "-", models.F("written_off")
                        ),
                    )
                ),
                name="returns_no_more_arrives_than_left",
            ),
        ),
        migrations.AddConstraint(
            model_name="returnrefund",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="returns_refund_amount"
            ),
        ),
    ]
