"""Orders so far were goods alone, and their shops knew the address as soon as they were placed.

Those that are paid and unshipped get a week from now, so that none is cancelled by an upgrade.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_parcels_and_amounts")]

    operations = [
        migrations.RunSQL(
            """
            UPDATE orders_order SET goods_minor = total_minor, released_at = paid_at;
            UPDATE orders_order SET ship_by = now() + interval '7 days'
            WHERE state = 'awaiting_shipment';
            """,
            migrations.RunSQL.noop,
        ),
    ]
