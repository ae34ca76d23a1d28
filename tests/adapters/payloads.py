"""Texts that a template engine, a YAML parser or a terminal would interpret."""

from pathlib import Path


def payloads(marker: Path) -> dict[str, str]:
    """Each one creates `marker` if it is evaluated, or breaks a parser that reads it."""
    touch = f"lookup('ansible.builtin.pipe', 'touch {marker}')"
    return {
        "expression": "{{ " + touch + " }}",
        "statement": "{% set x = " + touch + " %}{{ x }}",
        "inside a text": "a}}{{ " + touch + " }}{{a",
        "unsafe tag": "!unsafe '{{ " + touch + " }}'",
        "YAML object": f"!!python/object/apply:os.system ['touch {marker}']",
        "YAML document": "a\n---\n- b: {{ " + touch + " }}\n",
        "JSON mark": '{"__ansible_unsafe": "{{ ' + touch + ' }}"}',
        "shell": f"$(touch {marker})`touch {marker}`; touch {marker}",
        "quotes": "'\"{{ " + touch + " }}\"'",
        "newlines": "\n\r\n{{ " + touch + " }}\x1b[2J\u202e",
        "1 MB": "{{ " + touch + " }}" + "x" * 1_000_000,
    }
