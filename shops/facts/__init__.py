"""What happened and what must follow: facts, the outbox, remembered answers, refusals."""
