"""The worker of the chaos test: the product's, with a clock that jumps and quick builds.

`python -m tests.chaos.worker [--share N] [--seed N]`: `share` of the builds and removals are real
playbook runs (1: all).
"""

import argparse
import os
from pathlib import Path

from tests.chaos.clock import ShiftedClock
from tests.chaos.quick import QuickProvisioner
from webapp import bootstrap, bootstrap_worker
from webapp.adapters.logs import log_as_json
from webapp.config import load
from webapp.worker.loop import Worker, worker_name


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    log_as_json()
    config = load(os.environ)
    clock = ShiftedClock(Path(os.environ["CHAOS_CLOCK"]))
    services = bootstrap.build_services(config, clock=clock)
    provisioner = QuickProvisioner(config, options.share, options.seed)
    worker = Worker(
        bootstrap_worker.build_worker_services(services, worker_name(), provisioner=provisioner)
    )
    worker.stop_on_signals()
    worker.run()
    services.db.close()


if __name__ == "__main__":
    main()
