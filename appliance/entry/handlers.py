"""Every kind of job with the code that runs it and the code that is told of its end.

The worker runs them; the web process knows them for the endings: a job cancelled before it began ends there.
"""

from appliance.jobs.registry import Registry


def registry() -> Registry:
    """The appliance's kinds of jobs."""
    return Registry()
