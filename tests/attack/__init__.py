"""Attacks on a running Winux: `python -m tests.attack` tries all, and prints the results.

A module here holds the attacks on one part. An attack is a function that takes a `Target`, acts
as a malicious person would, and returns one short sentence with its observation; it raises `Broken`
if the promise does not hold:

    @attack("nine half requests", "pages answer others within 2 s")
    def half_requests(target: Target) -> str: ...

An attack leaves the target as usable as it found it: it closes its connections and ends its
desktops. It uses people of its own (`target.person("mallory")`), so that it does
not share limits with another attack. Attacks with `quick=True` are part of `make test`.
"""
