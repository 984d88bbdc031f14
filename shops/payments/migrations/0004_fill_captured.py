"""Write down what was captured and given back so far: always the whole amount, until now."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_captures_and_chargebacks")]

    operations = [
        migrations.RunSQL(
            """
            UPDATE payments_payment SET captured_minor = amount_minor
            WHERE state IN ('captured', 'charged_back');
            UPDATE payments_payment AS payment SET refunds_minor = back.minor
            FROM (
                SELECT payment_id, sum(amount_minor) AS minor FROM payments_refund
                WHERE state <> 'failed' GROUP BY payment_id
            ) AS back
            WHERE back.payment_id = payment.id;
            """,
            migrations.RunSQL.noop,
        ),
    ]
