"""The history of holds is in the movements now."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("stock", "0004_guards")]

    operations = [migrations.DeleteModel(name="HoldEvent")]
