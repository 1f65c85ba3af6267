"""`python -m flowdb`: the command line."""

import sys

from flowdb.cli import main

sys.exit(main())
