"""`python -m csm_server`: serves until SIGTERM. Exit code 1, with one line, when the settings or the weights can't be used."""

import logging
import os
import sys

import uvicorn

from . import serving
from . import settings as settings_
from .app import create_app
from .speech import Generator


def make_generator() -> Generator:
    """`GENERATOR=standin` makes tones and needs neither torch nor weights."""
    if os.environ.get("GENERATOR", "csm") == "standin":
        from .standin import StandIn

        return StandIn()
    from .csm import Csm

    device = os.environ.get("DEVICE", "cuda")
    return Csm(os.environ.get("MODEL", "sesame/csm-1b"), device, compiled=os.environ.get("COMPILE", "1") != "0")


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = settings_.from_environment()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    failed = []

    def on_failed() -> None:
        failed.append(True)
        server.should_exit = True

    app = create_app(make_generator(), settings)
    server = uvicorn.Server(
        serving.config(app, settings, host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ.get("PORT", "8003")))
    )
    app.state.jobs.load(on_failed)
    server.run()
    # A thread that still generates would hold the process back.
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    sys.exit(main())
