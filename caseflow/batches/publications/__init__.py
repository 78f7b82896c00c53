"""Publishing a new version of a policy while cases run: comparison, dry run, plan, refusal."""
