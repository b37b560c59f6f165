"""The settings about groups: default groups, group sync, what is protected."""

from .option import Option

DEFAULTS, GROUPS = "Default Group Configurations", "Group Mapping"
GROUP_OPTIONS: tuple[Option, ...] = (
    Option(
        key="default_groups",
        label="Default Group",
        type="names",
        default="",
        help="Groups of the directory, parted by commas, e.g. staff, wiki-users.",
        effect="Group sync never takes a default group away again.",
        section=DEFAULTS,
    ),
    Option(
        key="assign_default_groups_to",
        label="Assign Default Group To",
        type="choice",
        default="none",
        choices=(
            ("none", "Nobody"),
            ("new", "New Users: accounts that this source creates from now on"),
            ("all", "All Users of this source"),
        ),
        help="Who gets the default groups.",
        section=DEFAULTS,
    ),
    Option(
        key="create_groups",
        label="Create missing groups",
        type="bool",
        default=True,
        help="Create a group that the directory does not have, when somebody is to be its member.",
        effect="Off: the source's page names the groups that are missing.",
        section=DEFAULTS,
    ),
    Option(
        key="group_mode",
        label="Group sync",
        type="choice",
        default="off",
        choices=(
            ("off", "Off: the provider's groups give no memberships"),
            ("manual", "Manual Group Mapping: by the table under Groups"),
            ("on_the_fly", "On-The-Fly Group Mapping: groups of the same name"),
        ),
        help="What the provider's groups mean for the groups of the directory.",
        effect="Switched off, memberships that were given stay as they are.",
        section=GROUPS,
    ),
    Option(
        key="group_include",
        label="Only these groups",
        type="groups",
        default="",
        help="Names or ids of the provider's groups, parted by commas; * stands for anything, "
        "and regular expressions such as app-.* work, too. Leave empty for all groups.",
        effect="All other groups change nothing.",
        section=GROUPS,
    ),
    Option(
        key="group_exclude",
        label="Exclude groups",
        type="groups",
        default="",
        help="Groups that change nothing whatever else holds, written in the same way.",
        section=GROUPS,
    ),
    Option(
        key="group_regex",
        label="Apply regular expression on the groups",
        type="text",
        default="",
        help="On the fly: every match in a group's name is replaced, e.g. ^IdP_(.*)$ with $1 makes "
        "IdP_users to users. Leave empty to take names as they are.",
        section=GROUPS,
    ),
    Option(
        key="group_replacement",
        label="Replacement in group names",
        type="text",
        default="",
        help="$1, $2 … are the groups of the expression; $$ or \\$ is a dollar sign.",
        section=GROUPS,
    ),
    Option(
        key="keep_existing_users",
        label="Keep existing users",
        type="bool",
        default=True,
        help="Members of a mapped group whom the provider does not know stay in it.",
        effect="Off: a mapped group has only the members that a rule names; the preview lists who "
        "loses it. Grants of other sources, default and protected groups are left alone.",
        section=GROUPS,
    ),
    Option(
        key="keep_existing_groups",
        label="Keep existing user groups",
        type="bool",
        default=True,
        help="People stay in groups that they have outside of the provider.",
        effect="Off: people of this source are only in groups that a rule names; default and "
        "protected groups are left alone.",
        section=GROUPS,
    ),
    Option(
        key="nested_groups",
        label="Nested groups",
        type="choice",
        default="direct",
        choices=(
            ("direct", "Direct members only"),
            ("flatten", "Members of subgroups, too"),
            ("keep", "Nest the groups of the directory in the same way"),
        ),
        help="What a group in a group means.",
        section=GROUPS,
    ),
    Option(
        key="group_rename",
        label="Group renamed in the provider",
        type="choice",
        default="rename",
        choices=(
            ("rename", "Rename the group that was created for it"),
            ("new", "Create a new group and move the members"),
        ),
        help="On the fly: what happens when a group gets another name.",
        effect="In manual mode the mapping follows the group, whatever it is called.",
        section=GROUPS,
    ),
    Option(
        key="group_delete",
        label="Group deleted in the provider",
        type="choice",
        default="keep",
        choices=(
            ("delete_empty", "Delete the group that was created for it, once it is empty"),
            ("keep", "Keep the group without the members that it gave"),
        ),
        help="On the fly: what happens when a group is deleted.",
        section=GROUPS,
    ),
    Option(
        key="protected_groups",
        label="Protected groups",
        type="names",
        default="admin, admins, administrators, *-admin, *-admins, *-administrators",
        help="Names of groups of the directory that sync never gives, empties, renames or "
        "deletes, parted by commas; * stands for anything.",
        effect="Groups that are marked as protected are safe anyway. A row of the mapping table "
        "can be allowed to give a protected group, by hand only.",
        section=GROUPS,
    ),
)
