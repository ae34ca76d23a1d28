"""The product's password hashes at full cost; other tests use a lower one."""

from webapp.adapters.secrets import ArgonHasher


def test_passwords_are_hashed_with_argon2id_at_the_recommended_cost() -> None:
    hasher = ArgonHasher()
    hashed = hasher.hash("correct horse battery")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert hasher.is_right(hashed, "correct horse battery")
    assert not hasher.is_right(hashed, "wrong horse battery")
    assert not hasher.is_right(None, "nobody has this password")
