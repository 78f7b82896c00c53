"""Workflows as data: the language, the compiled form, the compiler, the checker, the run."""
