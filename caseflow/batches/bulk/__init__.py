"""Bulk acts (批量办理): one act on many cases, looked at before, told case by case."""
