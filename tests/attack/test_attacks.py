"""The quick attacks on real components; `make attack` tries all attacks."""

import pytest

from tests.attack.catalogue import Attack, all_attacks
from tests.attack.target import Target


@pytest.mark.sampled(0)
@pytest.mark.lab
@pytest.mark.parametrize("one", [a for a in all_attacks() if a.is_quick], ids=lambda one: one.name)
def test_the_promise_holds(one: Attack, target: Target) -> None:
    assert one.attempt(target)
