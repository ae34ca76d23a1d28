"""The quick attacks, on real parts; `make attack` tries all of them."""

import pytest

from tests.attack.catalogue import Attack, all_attacks
from tests.attack.target import Target


@pytest.mark.lab
@pytest.mark.parametrize("one", [a for a in all_attacks() if a.is_quick], ids=lambda one: one.name)
def test_the_promise_holds(one: Attack, target: Target) -> None:
    assert one.attempt(target)
