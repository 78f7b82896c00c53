"""The amount history of a case and its payment orders."""
