"""Outbox, channels, inbox, reminders."""
