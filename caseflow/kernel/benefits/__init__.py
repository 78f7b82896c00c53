"""What a clause gives, and why: typed facts in, yuan out, every line with its words. Pure."""
