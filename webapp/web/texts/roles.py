"""The roles as pages name them."""

from webapp.domain.people.roles import Role
from webapp.web.language import lazy_gettext

ROLES = {
    Role.PERSON: lazy_gettext("Person"),
    Role.OPERATOR: lazy_gettext("Operator"),
    Role.AUDITOR: lazy_gettext("Auditor"),
    Role.ADMIN: lazy_gettext("Administrator"),
}
