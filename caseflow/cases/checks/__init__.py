"""Checks at work on cases: recording, running, what a decision rests on, what a veto holds up."""
