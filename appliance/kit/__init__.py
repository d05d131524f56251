"""What every slice stands on: settings, database, errors, clock, ids, logging. Imports nothing of ours."""
