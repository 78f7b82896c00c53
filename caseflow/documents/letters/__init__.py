"""Formal documents (文书): generated files with number, date, seal slot and delivery (送达)."""
