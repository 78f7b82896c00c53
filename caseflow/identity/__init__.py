"""Territories, organisations, people, roles and seats."""
