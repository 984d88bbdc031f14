"""Lines that were written before badges were kept: those of hosts get theirs."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0008_drop_mute"),
        ("pieces", "0001_initial"),
        ("profiles", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            """
            UPDATE chat_message AS message SET badge = 'host'
            FROM pieces_piece AS piece, profiles_creator AS creator
            WHERE piece.id = message.piece_id AND creator.id = piece.creator_id
              AND message.author_id = creator.user_id AND message.badge = ''
            """,
            migrations.RunSQL.noop,
        ),
    ]
