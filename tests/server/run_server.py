"""Run a server as its own process: the arguments of ServerOptions and Limits come as JSON."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0:1] = [str(HERE.parent.parent), str(HERE)]


def main():
    from app.server import DataDirectoryInUse, Limits, ServerOptions, serve

    given = json.loads(sys.argv[1])
    for name in ("data", "cert", "key"):
        if given.get(name):
            given[name] = Path(given[name])
    given["limits"] = Limits(**given.get("limits", {}))
    try:
        serve(ServerOptions(**given))
    except DataDirectoryInUse as error:
        print(f"in use by {error.pid}", file=sys.stderr)
        sys.exit(7)
    print("served", file=sys.stderr)


main()
