"""Note when a show's host was last there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("live", "0002_picture_replay_clips"),
    ]

    operations = [
        migrations.AddField(
            model_name="livesession",
            name="host_seen_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
