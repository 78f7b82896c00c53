"""Workflows as data: the language's words, the compiled form, the compiler, the checker, the run."""
