"""What programs outside are told and may do: webhooks, API tokens."""
