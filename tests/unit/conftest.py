"""Properties are searched for counterexamples: a little by `make test`, long by `make soak`.

The short search is always the same, so that no line is reached by chance.
"""

import hypothesis
import pytest

hypothesis.settings.register_profile("short", deadline=None, max_examples=25, derandomize=True)
hypothesis.settings.register_profile("long", deadline=None, max_examples=300)
hypothesis.settings.load_profile("short")


def _soaks(config: pytest.Config) -> bool:
    return config.getoption("markexpr") == "soak"


def pytest_configure(config: pytest.Config) -> None:
    """Load the profile before any property is read."""
    if _soaks(config):
        hypothesis.settings.load_profile("long")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the soak search every property again."""
    for item in items if _soaks(config) else ():
        if hypothesis.is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("soak")
