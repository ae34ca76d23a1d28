"""Attacks on a running Winux: `python -m tests.attack` tries all, and prints what it saw.

A module here holds the attacks on one part. An attack is a function that takes a `Target`, does
what somebody with bad intentions would do, and returns one short sentence that says what it saw;
it raises `Broken` when the promise does not hold:

    @attack("nine half requests", "pages answer others within 2 s")
    def half_requests(target: Target) -> str: ...

An attack leaves the target as usable as it found it: it closes its connections and ends its
desktops. It uses people of its own (`target.person("mallory")`), so that the limits it runs into
are not those of another attack. Attacks with `quick=True` are part of `make test`.
"""
