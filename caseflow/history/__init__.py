"""Events: append, query, verify. Only this folder writes them."""
