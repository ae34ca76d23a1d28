"""No spelling of a secret survives."""

import base64
import json
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from webapp.adapters.redaction import REDACTED, redact

#: Its characters differ from those of the surrounding words, so no word completes a secret.
secrets = st.text(st.sampled_from("0123456789ABC\"'\\&/é $"), min_size=6, max_size=40)
words = st.text(st.sampled_from("abc xyz-"), max_size=9)


@given(secrets, words, words)
def test_a_secret_is_taken_out_in_every_spelling(secret: str, before: str, after: str) -> None:
    for spelling in (secret, json.dumps(secret)[1:-1], quote(secret, safe="")):
        assert redact(before + spelling + after, [secret]) == before + REDACTED + after


@given(st.text(st.sampled_from("abcdefgh23456789"), min_size=12, max_size=30), words, words)
def test_a_secret_inside_base64_cannot_be_decoded(secret: str, before: str, after: str) -> None:
    coded = base64.b64encode((before + secret + after).encode()).decode()
    left = redact(coded, [secret]).split(REDACTED)
    assert len(left) == 2


def test_short_values_are_no_secrets() -> None:
    assert redact("a user", ["a", "user"]) == "a user"
