"""Composition: the Flask factory and the doors, nothing else."""


