"""Uploads and checklists."""
