"""Everything on stage: shows, chat, audience, scores. Stands on the shops."""
