"""The texts of the domain's decision table, marked for translation; a test compares the two.

As in domain.py: the domain imports only the standard library, so it cannot mark them itself.
"""

from webapp.web.language import lazy_gettext

WORDS = (
    lazy_gettext("A desktop's container was removed outside Winux."),
    lazy_gettext("The desktop ends as lost, and its owner is informed."),
    lazy_gettext("A desktop's container was shut down, from inside or outside Winux."),
    lazy_gettext("A desktop that may be paused was shut down, from inside or outside Winux."),
    lazy_gettext("It is paused now: its files are kept, and its owner can resume it."),
    lazy_gettext("A paused desktop's container was started outside Winux."),
    lazy_gettext("It is resumed: its time runs again, and its owner can use it."),
    lazy_gettext("To pause it again: ./winux desktop pause"),
    lazy_gettext("Another container has the VM id of a desktop."),
    lazy_gettext("The desktop ends as lost. The other container is not touched."),
    lazy_gettext("A desktop's container is on another node now."),
    lazy_gettext("Winux follows it."),
    lazy_gettext("A desktop's container was given another name."),
    lazy_gettext("Nothing: the mark in its notes counts, not its name."),
    lazy_gettext("Rename it back in Proxmox if the name confuses people."),
    lazy_gettext("A desktop's memory or cores were changed by hand."),
    lazy_gettext("Nothing: the desktop continues with its new size."),
    lazy_gettext("Set it back in Proxmox, or change the template with: ./winux template set"),
    lazy_gettext("A desktop's address was changed by hand, so it cannot be reached."),
    lazy_gettext("Nothing is destroyed. Its own address stays reserved."),
    lazy_gettext("Set the address back in Proxmox (net0), or stop the desktop."),
    lazy_gettext("Winux's mark was taken from the notes of a desktop's container."),
    lazy_gettext(
        "The desktop continues, but Winux does not remove containers without its mark: VM "
        "id and address stay reserved."
    ),
    lazy_gettext("Put the line back into the container's notes, or remove the container by hand."),
    lazy_gettext(
        "A container is left of a desktop that has ended, or is a second one of a desktop."
    ),
    lazy_gettext("It is watched for WINUX_QUARANTINE_SECONDS, then destroyed."),
    lazy_gettext("A container with this portal's mark appeared that the database does not know."),
    lazy_gettext("To keep it, give it an owner with: ./winux desktop adopt"),
    lazy_gettext(
        "A container with this portal's mark is older than what the database remembers: "
        "it was there before Winux began to look, or looked again."
    ),
    lazy_gettext("It is kept until any desktop of this site would have ended, then destroyed."),
    lazy_gettext(
        "If the database was restored from a backup, give it back to its owner with: "
        "./winux desktop adopt"
    ),
    lazy_gettext("A container without this portal's mark is in the range of its VM ids."),
    lazy_gettext("It is never touched; its VM id and address are not given to desktops."),
    lazy_gettext("Nothing needs to be done. To hand it over to the portal: ./winux desktop adopt"),
    lazy_gettext("A VM id or an address was reserved for a desktop that has ended."),
    lazy_gettext("It is free again."),
    lazy_gettext("A node does not answer, so what is on it is unknown."),
    lazy_gettext("Nothing: unknown is not gone. Its desktops are left as they are."),
    lazy_gettext("Check the node and its page in Proxmox."),
    lazy_gettext("It is over."),
    lazy_gettext("It was there."),
    lazy_gettext("The desktop ended as lost."),
    lazy_gettext("The desktop is paused."),
    lazy_gettext("The desktop is resumed."),
    lazy_gettext("The container was destroyed."),
    lazy_gettext(
        "Kept, because too many containers are unknown: the database may be old or the wrong "
        "one. Restore the right one, adopt them, or remove them with playbooks/destroy-"
        "winux-session.yml."
    ),
)
