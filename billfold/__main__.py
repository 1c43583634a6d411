"""`python -m billfold …`: the command line."""

import sys

from billfold.cli import main

sys.exit(main.main(sys.argv[1:]))
