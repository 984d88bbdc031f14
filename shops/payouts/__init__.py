"""From escrow to sellers and creators: settlement, payouts, statements."""
