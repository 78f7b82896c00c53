"""Calendars, clocks, timers: says what is due, does not act on it."""
