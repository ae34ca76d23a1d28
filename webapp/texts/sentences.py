"""Makes the sentence of a refusal, in a language."""

from collections.abc import Mapping
from gettext import NullTranslations

from webapp.domain.audit.stored_refusal import from_stored
from webapp.domain.desktops.launch_limits import LimitReached
from webapp.domain.errors import CodedError, OutsideFailed, Parameter, WinuxError
from webapp.texts import (
    audit,
    commands,
    connections,
    desktops,
    nodes,
    people,
    pool,
    provisioning,
    requests,
    templates,
    upkeep,
    webhooks,
)
from webapp.texts.marks import Catalogue, Plural, Sentence, Text
from webapp.texts.words import shown

#: The language of API, command line, logs and exports: the texts as they are written.
ENGLISH = NullTranslations()

SENTENCES: Catalogue = {
    **audit.SENTENCES,
    **commands.SENTENCES,
    **connections.SENTENCES,
    **desktops.SENTENCES,
    **nodes.SENTENCES,
    **people.SENTENCES,
    **pool.SENTENCES,
    **provisioning.SENTENCES,
    **requests.SENTENCES,
    **templates.SENTENCES,
    **upkeep.SENTENCES,
    **webhooks.SENTENCES,
}


def message(error: WinuxError, language: NullTranslations = ENGLISH) -> str:
    """Returns what happened."""
    if isinstance(error, CodedError):
        return _fill(_of(error).message, error.parameters, language)
    return error.message if isinstance(error, OutsideFailed) else str(error)


def what_to_do(error: WinuxError, language: NullTranslations = ENGLISH) -> str:
    """Returns how to continue; empty if the message says it all."""
    if isinstance(error, CodedError):
        return _fill(_of(error).what_to_do, _with_running(error, language), language)
    return error.what_to_do if isinstance(error, OutsideFailed) else ""


def sentence(error: WinuxError, language: NullTranslations = ENGLISH) -> str:
    """Returns what happened and how to continue."""
    return f"{message(error, language)} {what_to_do(error, language)}".strip()


def stored_message(stored: Mapping[str, object], language: NullTranslations = ENGLISH) -> str:
    """Returns what happened, from a stored refusal; its code if another release wrote it."""
    code, parameters = from_stored(stored)
    if code not in SENTENCES:
        return code
    try:
        return _fill(SENTENCES[code].message, parameters, language)
    except (KeyError, TypeError):
        return code


def _of(error: CodedError) -> Sentence:
    return SENTENCES[error.code]


def _with_running(error: CodedError, language: NullTranslations) -> Mapping[str, Parameter]:
    """Returns the parameters, with the desktops that count towards a reached limit."""
    if isinstance(error, LimitReached):
        return {**error.parameters, "running": desktops.running_words(error, language)}
    return error.parameters


def _fill(text: Text, parameters: Mapping[str, Parameter], language: NullTranslations) -> str:
    values = {name: shown(name, value, language) for name, value in parameters.items()}
    if not isinstance(text, Plural):
        return language.gettext(text) % values if text else ""
    number = parameters[text.by]
    count = number if isinstance(number, int) else 0
    return language.ngettext(text.one, text.many, count) % values
