"""The books guard themselves: journals balance at commit, and nothing is changed or taken out."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION ledger_check_journal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked bigint;
    lines bigint;
    uneven text;
BEGIN
    IF TG_TABLE_NAME = 'ledger_journal' THEN
        checked := NEW.id;
    ELSE
        checked := NEW.journal_id;
    END IF;
    SELECT count(*) INTO lines FROM ledger_entry WHERE journal_id = checked;
    IF lines < 2 THEN
        RAISE EXCEPTION 'journal % has fewer than two entries', checked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_journal_balances';
    END IF;
    SELECT string_agg(currency, ', ') INTO uneven FROM (
        SELECT account.currency
        FROM ledger_entry entry JOIN ledger_account account ON account.id = entry.account_id
        WHERE entry.journal_id = checked
        GROUP BY account.currency
        HAVING sum(CASE entry.side WHEN 'debit' THEN entry.amount_minor
                                   WHEN 'credit' THEN -entry.amount_minor END) <> 0
    ) AS sums;
    IF uneven IS NOT NULL THEN
        RAISE EXCEPTION 'journal % does not sum to zero in %', checked, uneven
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_journal_balances';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER ledger_journal_balances AFTER INSERT ON ledger_journal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_journal();
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_journal();

CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_append_only';
END $$;

CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_journal
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_journal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
"""

BACKWARD = """
DROP TRIGGER ledger_no_truncate ON ledger_entry;
DROP TRIGGER ledger_no_truncate ON ledger_journal;
DROP TRIGGER ledger_no_truncate ON ledger_account;
DROP TRIGGER ledger_append_only ON ledger_entry;
DROP TRIGGER ledger_append_only ON ledger_journal;
DROP TRIGGER ledger_append_only ON ledger_account;
DROP FUNCTION ledger_refuse_change();
DROP TRIGGER ledger_entry_balances ON ledger_entry;
DROP TRIGGER ledger_journal_balances ON ledger_journal;
DROP FUNCTION ledger_check_journal();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0001_initial"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
