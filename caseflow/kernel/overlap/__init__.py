"""就高不重复: what a matter (事项) is, when two supports meet in one, and what follows."""
