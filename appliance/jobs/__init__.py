"""Durable work: job rows, leases with fencing tokens, events, sweep. Celery only rings the bell."""
