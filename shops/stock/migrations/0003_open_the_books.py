"""Turn the history of holds into movements, and give each SKU an opening that makes them add up."""

from django.db import migrations

FORWARD = """
WITH moves AS (
    SELECT e.id, e.at, h.id AS hold_id, h.sku_id, h.quantity, CASE
            WHEN e.from_state = '' THEN 'held'
            WHEN e.from_state = 'committed' THEN 'freed'
            ELSE e.to_state END AS kind,
        CASE WHEN e.from_state = '' THEN 1 WHEN e.from_state = 'held' THEN -1 ELSE 0 END AS held,
        CASE WHEN e.from_state = 'committed' THEN -1
             WHEN e.to_state = 'committed' THEN 1 ELSE 0 END AS committed
    FROM stock_holdevent e JOIN stock_hold h ON h.id = e.hold_id
), moved AS (
    SELECT sku_id, sum(held * quantity) AS held, sum(committed * quantity) AS committed,
        min(at) AS at
    FROM moves GROUP BY sku_id
), kept AS (
    SELECT sku_id,
        coalesce(sum(quantity) FILTER (WHERE state = 'held'), 0) AS held,
        coalesce(sum(quantity) FILTER (WHERE state = 'committed'), 0) AS committed
    FROM stock_hold GROUP BY sku_id
), opened AS (
    SELECT s.sku_id, s.on_hand,
        coalesce(k.held, 0) - coalesce(m.held, 0) AS held,
        coalesce(k.committed, 0) - coalesce(m.committed, 0) AS committed,
        least(m.at, now()) AS at
    FROM stock_stock s LEFT JOIN kept k USING (sku_id) LEFT JOIN moved m USING (sku_id)
), lines AS (
    SELECT 0 AS part, sku_id AS nth, sku_id, 'opening' AS kind,
        greatest(on_hand, abs(held), abs(committed)) AS quantity, on_hand, held, committed,
        NULL::uuid AS hold_id, at
    FROM opened WHERE on_hand <> 0 OR held <> 0 OR committed <> 0
    UNION ALL
    SELECT 1, id, sku_id, kind, quantity, 0, held * quantity, committed * quantity, hold_id, at
    FROM moves
)
INSERT INTO stock_stockmovement
    (sku_id, kind, quantity, on_hand, held, committed, hold_id, reason, at)
SELECT sku_id, kind, quantity, on_hand, held, committed, hold_id, '', at
FROM lines ORDER BY part, nth
"""

BACKWARD = """
INSERT INTO stock_holdevent (hold_id, from_state, to_state, at)
SELECT hold_id, CASE kind WHEN 'held' THEN '' WHEN 'freed' THEN 'committed' ELSE 'held' END,
    CASE kind WHEN 'freed' THEN 'released' ELSE kind END, at
FROM stock_stockmovement
WHERE hold_id IS NOT NULL AND kind IN ('held', 'released', 'expired', 'committed', 'freed')
ORDER BY id;
DELETE FROM stock_stockmovement
"""


class Migration(migrations.Migration):
    dependencies = [("stock", "0002_movements")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
