"""A worker to be killed: ``kill_me.py DATA LEASE_SECONDS SECONDS_A_FILM [DATABASE]``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.web import fake

from konio.web.database import Database
from konio.web.jobs import Queue
from konio.web.settings import load_settings
from konio.web.storage import Storage
from konio.web.worker import Worker


def main() -> None:
    database = sys.argv[4] if len(sys.argv) > 4 else None
    settings = load_settings(environment={}, data=Path(sys.argv[1]), database=database)
    fake.SECONDS = float(sys.argv[3])
    queue = Queue(Database(settings.url), float(sys.argv[2]))
    Worker(queue, Storage(settings.data), fake.examine).run()


if __name__ == "__main__":
    main()
