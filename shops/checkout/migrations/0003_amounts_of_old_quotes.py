"""Old quotes were goods alone. Open ones are not signed: they close, and their holds run out."""

from django.db import migrations
from django.db.models import F


def fill_in(apps, schema_editor):
    quotes = apps.get_model("checkout", "Quote").objects
    quotes.update(goods_minor=F("total_minor"))
    quotes.filter(state="open").update(state="closed")
    apps.get_model("checkout", "QuoteLine").objects.update(list_price_minor=F("unit_price_minor"))


class Migration(migrations.Migration):
    dependencies = [("checkout", "0002_all_in_quotes")]

    operations = [migrations.RunPython(fill_in, migrations.RunPython.noop)]
