"""Indicators (指标) of a policy: what is to be reached by when, who owns it, what was reported."""
