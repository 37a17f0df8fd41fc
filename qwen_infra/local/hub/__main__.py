"""``python -m qwen_infra.local.hub --publish OWNER/NAME=FOLDER``: the stand-in as a program; prints its endpoint."""

import argparse
import signal
import threading
from pathlib import Path

from qwen_infra.local.hub.repository import HubRepository
from qwen_infra.local.hub.server import serve_hub


def main() -> None:
    """Serve folders as repositories until told to end."""
    parser = argparse.ArgumentParser(description="Serve folders as repositories of a Hub.")
    parser.add_argument("--publish", action="append", required=True, metavar="OWNER/NAME=FOLDER")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    repositories = []
    for pair in given.publish:
        name, _, folder = pair.partition("=")
        repositories.append(HubRepository(name))
        repositories[-1].publish(Path(folder))
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with serve_hub(repositories, port=given.port) as hub:
        print(hub.endpoint, flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
