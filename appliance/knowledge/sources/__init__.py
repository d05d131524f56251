"""Where documents come from by themselves: what a source is, its syncs, what was taken, skipped and why."""
