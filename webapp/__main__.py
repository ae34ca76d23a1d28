"""`python -m webapp` is `./winux`."""

import os
import sys

from webapp.cli import main

if __name__ == "__main__":
    os.umask(0o077)  # whatever is written, database and logs first, is for its owner alone
    sys.exit(main())
