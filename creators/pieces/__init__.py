"""What lives and videos share: creator, category, products shown, referrals."""
