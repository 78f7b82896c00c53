"""The words for what happens to a policy after it was issued, and what becomes of a case then."""

from typing import Final

KINDS: Final = ("amended", "suspended", "resumed", "repealed", "replaced")
DECISIONS: Final = ("keep", "re_evaluate", "terminate")
UNDECIDED, OVER = "undecided", "over"
STATES: Final = (UNDECIDED, OVER, *DECISIONS)
"""`over`: nothing is to be decided any more, the case ended or the suspension was lifted."""
