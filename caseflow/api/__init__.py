"""The REST door: schemas and routes; what can be done and asked lies in the features below."""
