"""The forms of reasons and errors that the rules, the guard, groups and directories write.

A place is named after what it holds: ``reason…`` a text of one of these forms again, ``word…``
some of ``WORDS``, ``key`` the name of a setting or field, any other name what is shown as it is.
A value that is written in quotes keeps them. ``reasons`` recognises the forms.
"""

from .language import N_

JOINED = N_("%(reason)s; %(reason_more)s")
"""What two reasons become that stand in one text; more of them are the second one again."""

LISTED = N_("%(words)s and %(word)s")
"""What a list of words becomes whose last two are parted by "and"."""

WORDS: tuple[str, ...] = (
    # kinds of changes
    N_("create"),
    N_("adopt"),
    N_("rename"),
    N_("update"),
    N_("activate"),
    N_("deactivate"),
    N_("delete"),
    N_("add_member"),
    N_("remove_member"),
    N_("keep_member"),
    # what is done with the accounts of a source that goes
    N_("keep"),
    N_("disable"),
    # states of sources and runs
    N_("observe"),
    N_("active"),
    N_("off"),
    N_("planning"),
    N_("planned"),
    N_("applying"),
    N_("finished"),
    N_("needs_approval"),
    N_("cancelled"),
    N_("failed"),
    # fields of accounts
    N_("full name"),
    N_("given name"),
    N_("family name"),
    N_("e-mail"),
    N_("phone"),
    N_("title"),
    N_("department"),
    N_("manager"),
    N_("locale"),
    # what regular expressions cannot have
    N_("lookarounds such as (?=…)"),
    N_("back-references such as \\1"),
    N_("back-references such as (?P=name)"),
    N_("atomic groups such as (?>…)"),
    N_("conditions such as (?(1)…)"),
    N_("possessive quantifiers such as a++"),
)
"""What a place ``word…`` may hold, alone or in a list."""

OF_PEOPLE: tuple[str, ...] = (
    # who is in
    N_("out of scope: %(name)s is excluded"),
    N_("out of scope: does not match %(filter)s"),
    N_("out of scope: in none of the groups %(groups)s"),
    N_("in scope: in the group %(group)s"),
    N_("in scope: matches %(filter)s"),
    N_("active for %(name)s"),
    N_("the source is active only for %(names)s"),
    # names
    N_("the name is taken from %(attribute)s"),
    N_("the provider sends no %(attribute)s, from which the name is taken"),
    N_("no username rule: the name is taken as received"),
    N_("the directory takes %(received)s as %(name)s"),
    N_("the username rule does not match: the name stays as received"),
    N_("the username rule makes %(name)s of %(received)s"),
    N_("the username rule makes an empty name of %(received)s"),
    N_("the rule for group names makes an empty name of %(received)s"),
    N_("it makes an empty name of %(received)s"),
    N_("the name mixes %(word_scripts)s letters and may be mistaken for another"),
    N_("the user name is longer than %(number)s characters"),
    N_("the name is longer than %(number)s characters"),
    N_("the name %(name)s begins or ends with a blank"),
    N_("the name %(name)s has a control character"),
    N_("the name %(name)s has %(characters)s, which its directory does not allow"),
    # names and e-mails of others
    N_("the account name %(name)s is used by a local account %(account)s"),
    N_("the account name %(name)s is already used by %(person)s from source %(source)s"),
    N_("the account name %(name)s is already used or wanted by another person"),
    N_("user name %(name)s or e-mail %(email)s is also the user name or e-mail of %(accounts)s"),
    N_(
        "an administrator refused to let this person have the account %(account)s: "
        "rename one of them"
    ),
    N_("the account %(account)s is protected and is never managed by a source"),
    N_("the account %(account)s is protected"),
    N_("the account %(account)s is protected: %(word_kinds)s is refused"),
    # whose account it is
    N_("linked: this source manages the account"),
    N_("no account belongs to this person"),
    N_("no account belongs to this person yet"),
    N_("this source managed the account for the same externalId before"),
    N_("an administrator let this source manage the account"),
    N_("adopted by the matching policy"),
    N_("more than one account matches: %(accounts)s"),
    N_("%(account)s is an administrator's account and is never adopted by rule"),
    N_("no account may be adopted"),
    N_("more than one account may be this person's: %(accounts)s; an administrator has to say"),
    N_(
        "an account named %(account)s exists and belonged to a person whom the provider deleted: "
        "it waits for an administrator to adopt it"
    ),
    N_(
        "an account named %(account)s exists and is an administrator's: "
        "it waits for an administrator to adopt it"
    ),
    N_(
        "an account named %(account)s exists and is not managed by %(source)s: "
        "it waits for an administrator to adopt it"
    ),
    # what speaks for and against an account
    N_("same user name %(name)s"),
    N_("same e-mail %(email)s"),
    N_("same full name %(name)s"),
    N_("administrator: the person would get these rights"),
    N_("belonged to a person whom the provider deleted"),
    N_("%(number)s accounts may be this person's"),
    N_("the account is called %(account)s"),
    N_("other e-mail: none"),
    N_("other e-mail: %(email)s"),
    N_("the account's e-mail is not verified"),
    N_("more than one person waits for this account"),
    # what becomes of an account
    N_("not imported: import is off"),
    N_("not imported: inactive in the provider, and inactive people are deleted"),
    N_("created: %(source)s pushed a person whom the directory does not know"),
    N_("came back: the account that this source managed for the same externalId before"),
    N_("adopted: an administrator let %(source)s manage the account"),
    N_("adopted: %(source)s manages the account from now on"),
    N_("renamed from %(before)s to %(after)s"),
    N_("renamed from %(before)s to %(after)s, which the rules make of %(received)s"),
    N_("the account keeps its name: Rename accounts is off (%(name)s is wanted)"),
    N_("the attributes are as the mapping wants them"),
    N_("%(word_fields)s brought in line with the provider"),
    N_("%(word_field)s stays as it is: Update Users is off"),
    N_("%(word_fields)s stay as they are: Update Users is off"),
    N_("the provider states no status"),
    N_("the account is enabled, as the person is in the provider"),
    N_("the account is disabled, as the person is in the provider"),
    N_("the account stays enabled: Enable Users is off"),
    N_("the account stays disabled: Enable Users is off"),
    N_("account enabled: active in the provider"),
    N_("account enabled: restored by %(actor)s"),
    N_("account disabled: %(reason)s"),
    N_("account deleted: %(reason)s"),
    N_("account deleted: %(reason)s and disabled for %(number)s days"),
    N_("active in the provider"),
    N_("inactive in the provider"),
    N_("deleted in the provider"),
    N_("the source was removed"),
    N_("the source was detached"),
    N_("%(reason)s: the account stays as it is"),
    N_("%(reason)s, but an administrator restored the account: it stays"),
    N_("%(reason)s, but Enable Users is off: the account keeps its status"),
    N_("an administrator restored the account: it stays"),
    N_("the account is as the rules want it"),
    # the guard, runs and hooks
    N_(
        "%(word_kind)s is held back: more than %(limit)s removals in %(minutes)s minutes; "
        "release or reject it under Approvals"
    ),
    N_(
        "%(word_kind)s is held back: it was not in the plan that was previewed; "
        "release or reject it under Approvals"
    ),
    N_("%(word_kind)s was rejected by an administrator: the account stays as it is"),
    N_(
        "the account %(account)s is one of the last %(count)s administrators, "
        "%(minimum)s must stay: %(word_kind)s is refused"
    ),
    N_("observed only: %(reason)s"),
    N_("observed only, would be: %(reason)s"),
    N_("refused by the host application: %(detail)s"),
    N_("a before_apply hook returned neither a change nor Skip"),
)

OF_GROUPS: tuple[str, ...] = (
    # what the groups of a source stand for
    N_("the group %(group)s is excluded"),
    N_("the group %(group)s is none of %(names)s"),
    N_("group sync is off"),
    N_("no group %(group)s is created: it would be a protected one"),
    N_("the directory has no group %(group)s, and none is created"),
    N_("created for the provider's group %(group)s"),
    N_("renamed: the provider renamed its group %(group)s"),
    N_("deleted: it is empty, and the provider deleted its group"),
    # memberships
    N_("in %(group)s: %(reason)s"),
    N_("not in %(group)s: the directory has no such group, and none is created"),
    N_("added to %(group)s: %(reason)s"),
    N_("added to %(group)s, which is created: %(reason)s"),
    N_("stays in %(group)s: %(reason)s"),
    N_("removed from %(group)s: no group of the provider stands for it any more"),
    N_("removed from %(group)s: no rule explains the membership (%(reason)s)"),
    N_(
        "removed from %(group)s: the provider does not know %(account)s, and existing users are "
        "not kept (%(reason)s)"
    ),
    N_("because the provider's group %(groups)s is mapped to it"),
    N_("because the group %(groups)s of %(source)s is mapped to it"),
    N_("given while group sync was on"),
    N_("given by %(source)s, which does not say so any more"),
    N_("given by hand by %(actor)s"),
    N_("default group"),
    N_("default group of %(source)s"),
    N_("another source gave it"),
    N_("kept from before"),
    N_("kept from before: given by %(source)s until it let go"),
    N_("the group %(group)s is protected"),
    N_("%(reason)s: the membership of %(person)s is not given"),
    N_("%(reason)s: the membership of %(person)s is not taken away"),
    N_(
        "the group %(group)s must keep %(count)s members: "
        "the membership of %(person)s is not taken away"
    ),
    # what keeps a source from giving groups
    N_("The directory has no default group %(group)s: create it, or choose another one."),
    N_("The default group %(group)s is protected, so nobody gets it."),
    N_("The provider's group %(group)s gives nothing: %(reason)s."),
    N_("The groups %(groups)s have one name in the directory: %(name)s."),
    N_("The provider deleted the group %(group)s, which was mapped to %(target)s."),
    N_("%(target)s is protected: %(group)s does not give it until you allow that row."),
    N_("The directory has no group %(target)s, to which %(group)s is mapped."),
    N_(
        "%(count)s accounts whom the provider does not know would lose a group, more than the "
        "%(limit)s removals allowed in %(minutes)s minutes: nobody was removed; raise the limit, "
        "or remove them by hand"
    ),
    # the mapping table
    N_("the group %(group)s is mapped to %(target)s already"),
    N_("%(source)s has told us of no group %(group)s; it has told us of %(count)s groups"),
    N_("%(group)s means several groups: name one by its id: %(ids)s"),
    N_("%(source)s has no group %(ids)s"),
    N_("op must be add or remove"),
    # pushed groups
    N_("a group cannot be a member of itself"),
    N_("this source has no user or group with the id %(ids)s"),
)

OF_SETTINGS: tuple[str, ...] = (
    N_("%(key)s: %(reason)s"),
    N_("there is no such setting; known are %(names)s"),
    N_("must be text"),
    N_("must be on or off"),
    N_("must be one of %(names)s"),
    N_("must be at least 1"),
    N_("must be from 1 to 3650"),
    N_("must be a whole number from 0 to %(maximum)s"),
    N_("must not have more than %(number)s characters"),
    N_("must have at most %(number)s characters"),
    N_("must have at least one letter a-z or digit"),
    N_("there is already a source %(source)s; choose another name"),
    N_("%(group)s is a protected group, which sync never gives; choose another one"),
    # expressions and filters
    N_("%(text)s is not an attribute"),
    N_("%(text)s is not an attribute: %(detail)s"),
    N_("the filter is longer than %(number)s characters"),
    N_('the filter cannot be read: %(detail)s; write for example department eq "Sales"'),
    N_("the expression is longer than %(number)s characters"),
    N_("there is nothing before or after a |"),
    N_("a brace is not closed in %(text)s"),
    N_("the expression has %(count)s characters; %(limit)s are allowed"),
    N_("%(word_construct)s are not supported"),
    N_("not a valid regular expression: it cannot be read"),
    N_("not a valid regular expression: %(detail)s"),
    N_("a $ must be followed by a group's number; write $$ for a dollar sign"),
    N_("$%(number)s does not exist: the expression has %(count)s groups"),
    # the attribute mapping
    N_("there are %(count)s rows; %(limit)s are allowed"),
    N_("%(names)s is there twice"),
    N_("%(line)s must look like title = title"),
    N_("every row must be an object of texts"),
    N_("unknown key %(keys)s; known are field, from, case, …"),
    N_("use user_name_attribute and username_regex for names"),
    N_("%(name)s cannot be the name of a field"),
    N_("%(name)s: case must be lower, upper or empty"),
    N_("not a JSON list: %(detail)s"),
)

OF_ADMINISTRATION: tuple[str, ...] = (
    # accounts and groups by hand
    N_("created by hand"),
    N_("created by hand, protected: its members are administrators"),
    N_("edited by hand: %(fields)s"),
    N_("deleted by hand"),
    N_("deleted by hand, %(count)s members"),
    N_("groups by hand: none"),
    N_("groups by hand: %(groups)s"),
    N_("protected"),
    N_("protected: its members are administrators"),
    N_("not protected any more"),
    N_("never below %(count)s members"),
    N_("may become empty"),
    N_("is managed by source %(source)s"),
    N_("is managed by source %(source)s; change it there"),
    N_("there is no such account"),
    N_("there is no account %(account)s"),
    N_("there is already an account %(account)s"),
    N_("there is no such group"),
    N_("there is already a group %(group)s"),
    N_("no group can be called %(name)s"),
    N_("there is no such person"),
    N_("there is no disabled account to restore"),
    # decisions
    N_("accepted: %(person)s of %(source)s and account %(account)s"),
    N_("refused: %(person)s of %(source)s and account %(account)s"),
    N_("no account waits for %(person)s of source %(source)s"),
    N_("say which account is meant: %(accounts)s"),
    N_("%(count)s people: %(names)s"),
    N_("handed over from %(source)s to %(target)s"),
    N_("the account was handed over from %(source)s to %(target)s"),
    N_("no source manages it: the target may adopt it"),
    N_("source %(source)s manages it already"),
    N_("source %(source)s has another directory"),
    # sources, tokens and runs
    N_("kind %(kind)s, %(word_state)s"),
    N_("%(count)s accounts: %(word_accounts)s"),
    N_("there is no source %(source)s"),
    N_("source %(source)s has no directory: select one under User Provisioning Options"),
    N_("source %(source)s has no token %(number)s"),
    N_("source %(source)s has no live token called %(name)s"),
    N_("source %(source)s has more than one live token called %(name)s"),
    N_("there is no such run"),
    N_("run %(number)s still works on this source: wait for it, or cancel it"),
    N_("run %(number)s is %(word_state)s: only a planned one is applied"),
    N_("run %(number)s of source %(source)s is %(word_state)s: %(reason)s"),
    N_("run %(number)s: %(done)s of %(total)s people were done"),
    N_("run %(number)s did not fail while it was carried out"),
    N_("run %(number)s was overtaken or cancelled"),
    N_("were changed by somebody else since the preview: preview again"),
    # what a provider is told
    N_(
        '%(attribute)s "%(value)s" is already used by %(owner)s in this source; '
        "use another value, or find and update that one"
    ),
    N_("%(type)s %(id)s not found in this source"),
    # the database
    N_("other requests kept changing the same people"),
    N_("the database is busy with another write"),
    N_("the database did not answer in time"),
    N_(
        "the database has schema version %(version)s, which this program does not know: "
        "a newer usersync-ext made it; install that version"
    ),
    N_(
        "the database has schema version %(version)s, this program needs %(wanted)s: "
        "run 'flask usersync upgrade' (standalone: 'usersync upgrade')"
    ),
)

REASONS: tuple[str, ...] = (*OF_PEOPLE, *OF_GROUPS, *OF_SETTINGS, *OF_ADMINISTRATION)
