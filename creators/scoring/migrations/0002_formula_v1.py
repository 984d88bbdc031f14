"""Publish the first version of the formulas."""

from datetime import UTC, datetime

from django.db import migrations

WEIGHTS = {
    "sales": 25,
    "success": 15,
    "influence": 15,
    "cooperation": 15,
    "assiduity": 10,
    "consistency": 10,
    "quantity": 5,
    "collaboration": 5,
}
CONSTANTS = {
    "window_days": 90,
    "half_life_days": 30,
    "interval": [0.05, 0.95],
    "winsorise_at": 0.99,
    "prior": {"min_m": 1, "max_m": 1000, "min_group": 30},
    "provisional": {"orders": 30, "videos": 20, "lives": 5},
    "sales": {"gpm": 0.4, "conversion": 0.3, "buyers": 0.3, "gpm_shrink_views": 5000},
    "assiduity": {
        "day": 0.5,
        "tag": 0.3,
        "products": 0.2,
        "tag_target": 0.5,
        "products_half": 20,
        "live_minutes": 30,
        "pieces_per_day": 5,
    },
}


def publish(apps, schema_editor):
    apps.get_model("scoring", "Formula").objects.create(
        version=1,
        weights=WEIGHTS,
        constants=CONSTANTS,
        active_from=datetime(2026, 1, 1, tzinfo=UTC),
    )


def withdraw(apps, schema_editor):
    apps.get_model("scoring", "Formula").objects.filter(version=1).delete()


class Migration(migrations.Migration):
    dependencies = [("scoring", "0001_initial")]
    operations = [migrations.RunPython(publish, withdraw)]
