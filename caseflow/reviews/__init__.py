"""Tasks (待办) and objections (异议)."""
