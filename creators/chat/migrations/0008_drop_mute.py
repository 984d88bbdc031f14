"""Sanctions have taken the place of mutes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("chat", "0007_mutes_are_sanctions")]

    operations = [migrations.DeleteModel(name="Mute")]
