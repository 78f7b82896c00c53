"""`python -m caseflow`: the same as the command `caseflow`."""

import sys

from caseflow.cli import main

if __name__ == "__main__":
    sys.exit(main())
