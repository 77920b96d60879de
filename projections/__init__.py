"""One module (or package) per AWS service: its events, records, tables and folds. Knows nothing of HTTP."""

from __future__ import annotations

import importlib
import importlib.util
import keyword
import pkgutil

from journal import PROJECTIONS, Projection

_MISSING: set[str] = set()


def module_name(service: str) -> str:
    """Return the module name of a service: `lambda` is `lambda_`, `cognito-idp` is `cognito_idp`."""
    name = service.replace("-", "_")
    return name + "_" if keyword.iskeyword(name) else name


def find(service: str) -> Projection | None:
    """Return a service's projection, importing its module at first use; None where there is none."""
    found = PROJECTIONS.get(service)
    if found is None and service not in _MISSING:
        name = f"projections.{module_name(service)}"
        if not service.isascii() or importlib.util.find_spec(name) is None:
            _MISSING.add(service)
            return None
        importlib.import_module(name)
        found = PROJECTIONS.get(service)
    return found


def every() -> list[Projection]:
    """Import and return all projections there are, by service name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"projections.{module.name}")
    return [PROJECTIONS[service] for service in sorted(PROJECTIONS)]
