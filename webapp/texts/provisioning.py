"""Refusals of adopting containers, and of a worker that lost a desktop to another one."""

from webapp.texts.marks import Catalogue, Sentence, _

SENTENCES: Catalogue = {
    "conflict.lease_lost": Sentence(_("The desktop is in another worker's hands.")),
    "gone": Sentence(
        _("There is no container %(vmid)s, or not in the token's pool."),
        _("See the VM id in Proxmox, or make a desktop with playbooks/create-winux-session.yml."),
    ),
    "stopped.locked": Sentence(
        _("The container %(vmid)s is locked (%(lock)s)."), _("Start it first, and try again.")
    ),
    "stopped.off": Sentence(
        _("The container %(vmid)s does not run."), _("Start it first, and try again.")
    ),
    "id_taken": Sentence(
        _("There is a desktop %(desktop)s already."),
        _("Make the new one with another session_id."),
    ),
    "template": Sentence(
        _("The container %(vmid)s is a template, not a desktop."),
        _("Offer it to people with: ./winux template publish"),
    ),
    "foreign.portal": Sentence(
        _("The container %(vmid)s belongs to the portal %(portal)s."),
        _("Only desktops that playbooks/create-winux-session.yml made are adopted."),
    ),
    "foreign.no_mark": Sentence(
        _("The container %(vmid)s carries no mark of Winux."),
        _("Only desktops that playbooks/create-winux-session.yml made are adopted."),
    ),
    "bad_id": Sentence(
        _("%(desktop)s cannot be a desktop's id: at most 32 of a-z, 0-9 and -."),
        _("Make the desktop anew with a shorter session_id."),
    ),
    "no_address.container": Sentence(
        _("The container %(vmid)s has no fixed address."),
        _("Give it one in Proxmox (net0), inside the desktops' network %(network)s."),
    ),
    "address_outside": Sentence(
        _("Its address %(address)s is not one of the desktops' network %(network)s."),
        _("Give it an address in that network, or set WINUX_NETWORK."),
    ),
    "taken": Sentence(
        _("Another desktop holds the container's VM id or its address."),
        _("./winux desktop list shows which; give the container another address."),
    ),
    "not_found.owner": Sentence(
        _("There is no person '%(name)s', or they are suspended."), _("./winux person list")
    ),
    "not_found.named_template": Sentence(
        _("There is no template '%(name)s'."), _("./winux template list")
    ),
    "not_found.any_template": Sentence(
        _("No template is published yet."), _("./winux template list")
    ),
}
