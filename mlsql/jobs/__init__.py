"""Jobs of a service: submitted, queued, run, told to whom it concerns, and never lost."""
