"""What was a mute of one show becomes a sanction there."""

from django.db import migrations


def carry_over(apps, schema_editor):
    mutes = apps.get_model("chat", "Mute").objects.select_related("piece").order_by("pk")
    sanctions = apps.get_model("chat", "Sanction").objects
    # What was carried back left its sanction there.
    known = set(sanctions.filter(kind="mute").values_list("piece_id", "user_id", "at"))
    sanctions.bulk_create(
        [
            sanctions.model(
                kind="mute",
                creator_id=mute.piece.creator_id,
                piece_id=mute.piece_id,
                user_id=mute.user_id,
                by_id=mute.muted_by_id,
                reason=mute.reason,
                at=mute.at,
                until=mute.until,
                lifted_at=mute.lifted_at,
            )
            for mute in mutes.iterator(chunk_size=1000)
            if (mute.piece_id, mute.user_id, mute.at) not in known
        ],
        batch_size=1000,
    )


def carry_back(apps, schema_editor):
    """A mute had one show and an end: others are left out."""
    sanctions = (
        apps.get_model("chat", "Sanction")
        .objects.filter(kind="mute", piece__isnull=False, until__isnull=False)
        .order_by("pk")
    )
    mutes = apps.get_model("chat", "Mute").objects
    mutes.bulk_create(
        [
            mutes.model(
                piece_id=one.piece_id,
                user_id=one.user_id,
                muted_by_id=one.by_id,
                reason=one.reason,
                at=one.at,
                until=one.until,
                lifted_at=one.lifted_at,
            )
            for one in sanctions.iterator(chunk_size=1000)
        ],
        batch_size=1000,
    )


class Migration(migrations.Migration):
    dependencies = [("chat", "0006_rules_as_default")]

    operations = [migrations.RunPython(carry_over, carry_back)]
