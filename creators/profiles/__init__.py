"""Who a creator is."""
