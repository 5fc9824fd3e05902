"""What all steps have in common: which of their failures are tried again."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from resources.engine import NotEnoughMemory
from resources.reference.accounts import AccountsError
from resources.reference.plan import ReferenceDataError
from resources.reference.rates import RatesError

_RETRY = dg.RetryPolicy(
    max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)

_TO_BE_MENDED = (NotEnoughMemory, AccountsError, ReferenceDataError, RatesError)
"""Settings and the users' own files: what is wrong there stays wrong until somebody mends it."""

Compute = Callable[[dg.AssetExecutionContext], Iterator[Any]]


def step(compute: Compute) -> Compute:
    """Lets what may pass by itself, such as a store that is away, be tried again.

    Not `retry_policy`: with it Dagster tries again also after the signal that stops a run.
    """

    @functools.wraps(compute)
    def run(context: dg.AssetExecutionContext) -> Iterator[Any]:
        try:
            yield from compute(context)
        except (dg.Failure, dg.RetryRequested):
            raise
        except _TO_BE_MENDED as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        except Exception as error:
            wait = _RETRY.calculate_delay(context.retry_number + 1)
            raise dg.RetryRequested(_RETRY.max_retries, wait) from error

    return run
