"""Which service and operation a request means, in which stack, region and account.

Everything is known from the request's head, save for the Action of a query-protocol form, for which the body is read.
What AWS's models say of it lies compiled in index.json and operations.json (see tools/build_routing_index.py).
"""

from .refusals import UnroutableError
from .route import Route
from .router import configure, is_preflight, route

__all__ = ["Route", "UnroutableError", "configure", "is_preflight", "route"]
