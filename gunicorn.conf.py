"""What every gunicorn of the portal does, whatever its command line says; read from the checkout.

The application is loaded once and its workers are forked from that, so that they share the memory
of all that was imported: half of what two workers take otherwise.
"""

import gc

preload_app = True


def when_ready(_server: object) -> None:
    """Before the workers are forked: what the collector never looks at stays shared."""
    gc.freeze()
