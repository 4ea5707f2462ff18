"""The errors that people see. Each says what was asked, what was found and what to do."""


class GeoError(Exception):
    """Base of every error that ``geo`` reports as one sentence instead of a traceback."""


def first_line(error: BaseException) -> str:
    """The first line of an error that says something, which for Spark's is not the first; else what kind it is."""
    return next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)


class ConfigError(GeoError, ValueError):
    """The configuration or the command line asks for something that does not exist or cannot be."""


class InputError(GeoError, ValueError):
    """A file or table from outside is not what its reader needs."""


class ContractError(GeoError):
    """A stored table no longer fits its contract and cannot be brought to fit by itself."""


class ModelError(GeoError):
    """A model, an alias or an adapter is missing, broken or does not fit its use."""


class EndpointError(GeoError):
    """An endpoint does not answer, refuses the key, or has no quota left. What it answered before is kept."""


class MachineError(GeoError):
    """The machine lacks something: Java, memory, a jar, a compiler."""


class UndeclaredError(GeoError):
    """A job asks its context for a table or a model that it does not declare."""


class CountingError(GeoError):
    """A job's figures do not add up: in is not kept + dropped + failed."""


class TooManyFailedError(GeoError):
    """More units failed than the job's ``max_failed_share`` allows."""


class TooManyRemovedError(GeoError):
    """More of what is there would be removed than the job's ``max_removed_share`` allows."""


class QualityError(GeoError):
    """Something measured is worse than the configuration allows."""
