"""Movements guard themselves: none is changed or taken out."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION stock_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'stock_append_only';
END $$;
CREATE TRIGGER stock_append_only BEFORE UPDATE OR DELETE ON stock_stockmovement
    FOR EACH ROW EXECUTE FUNCTION stock_refuse_change();
CREATE TRIGGER stock_no_truncate BEFORE TRUNCATE ON stock_stockmovement
    FOR EACH STATEMENT EXECUTE FUNCTION stock_refuse_change();
"""

BACKWARD = """
DROP TRIGGER stock_no_truncate ON stock_stockmovement;
DROP TRIGGER stock_append_only ON stock_stockmovement;
DROP FUNCTION stock_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("stock", "0003_open_the_books")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
