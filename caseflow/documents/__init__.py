"""Uploads and checklists; formal documents (文书) in `letters`."""
