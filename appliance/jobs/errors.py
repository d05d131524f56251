"""What can go wrong when jobs are asked for or looked at."""

from appliance.kit.errors import NotFound, OverShare, Refused


class JobNotFound(NotFound):
    """There is no such job in this tenant."""

    code = "job_not_found"
    advice = "List the jobs with 'appliance jobs list'."


class KindUnknown(Refused):
    """No handler is registered for this kind of job."""

    code = "job_kind_unknown"
    advice = "The job was asked for by a newer version than this worker; upgrade the worker."


class TooManyStreams(OverShare):
    """You follow as many jobs as one person may at a time."""

    code = "too_many_streams"
    advice = "Stop following one of them, or look at jobs one by one."
