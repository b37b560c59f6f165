"""User Provisioning Options: one form from one definition, with preview."""

import pytest

from usersync_ext.core.options import DEFAULT_RULES, RULES

RULES_PATH = "/sources/acme/rules"


def entered(**changes):
    """Return the form as a browser sends it: switches that are off are left out."""
    values = {"directory": "local", **DEFAULT_RULES, **changes}
    return {key: value for key, value in values.items() if value is not False}


def test_every_option_has_a_label_help_and_its_default(site):
    site.add_source()

    page = site.get(RULES_PATH)

    assert page.h1.text == "User Provisioning Options"
    for option in RULES:
        assert site.label(page, option.label) is not None
        assert option.help in site.words(page)
        assert page.find(id=f"{option.key}-help")
    assert page.select_one("input[name=import_users]").has_attr("checked")


def test_the_selected_directory_is_the_only_one(site):
    site.add_source()

    page = site.get(RULES_PATH)

    assert [o.text for o in page.select("select[name=directory] option")] == [
        "None selected",
        "Embedded directory",
    ]
    assert (
        "The selected directory will be the only one to receive provisioning operations."
        in site.words(page)
    )


def test_saving_confirms_and_shows_the_same_values_again(site):
    site.add_source()
    regex = r"  (\w+)\.<b>&\"'@.*"

    page = site.post(
        RULES_PATH,
        save="1",
        **entered(import_users=False, username_regex=regex, username_replacement="$1"),
    )

    assert "Saved." in site.words(page.select_one("[role=status]"))
    again = site.get(RULES_PATH)
    assert again.select_one("input[name=username_regex]")["value"] == regex
    assert not again.select_one("input[name=import_users]").has_attr("checked")
    assert site.source().rules["import_users"] is False


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("username_regex", "(", "Not a valid regular expression"),
        ("username_regex", "(?=x)", "lookarounds such as (?=…) are not supported"),
        ("removal_limit_count", "many", "Must be a whole number"),
        ("removal_limit_percent", "101", "Must be a whole number from 0 to 100"),
        ("inactive_action", "explode", "Not a valid choice"),
        ("directory", "crm", "Not a valid choice"),
    ],
)
def test_a_wrong_value_is_named_beside_the_field_and_on_top(site, field, value, message):
    site.add_source()

    page = site.post(RULES_PATH, status=200, **entered(**{field: value}, update_users=False))

    alert = page.select_one("[role=alert]")
    assert message.lower() in site.words(alert).lower()
    assert page.select_one(alert.a["href"]) is not None
    assert message.lower() in site.words(page.find(id=f"{field}-error")).lower()
    assert not page.select_one("input[name=update_users]").has_attr("checked")
    assert site.source().rules == DEFAULT_RULES


def test_all_mistakes_are_shown_together(site):
    site.add_source()

    page = site.post(
        RULES_PATH, status=200, **entered(username_regex="(", removal_window_minutes="x")
    )

    assert len(page.select("[role=alert] li")) == 2
    assert page.select_one("input[name=removal_window_minutes]")["aria-invalid"] == "true"
    assert page.select_one("input[name=username_regex]")["value"] == "("


def test_a_replacement_group_that_does_not_exist_is_refused(site):
    site.add_source()

    page = site.post(
        RULES_PATH, status=200, **entered(username_regex="(a)", username_replacement="$9")
    )

    assert "$9 does not exist" in site.words(page.find(id="username_replacement-error"))


@pytest.mark.parametrize(
    ("sample", "regex", "replacement", "name"),
    [
        ("demouser@gmail.com", "(.*)@.*", "$1", "demouser"),
        ("demo0user", "(.*)0(.*)", "$1$2", "demouser"),
    ],
)
def test_preview_tries_a_name_and_saves_nothing(site, sample, regex, replacement, name):
    site.add_source()

    page = site.post(
        RULES_PATH,
        status=200,
        preview="1",
        sample=sample,
        **entered(username_regex=regex, username_replacement=replacement),
    )

    [row] = page.select(".preview tbody tr")
    assert [site.words(cell) for cell in row.select("td")] == [f"{sample} (your sample)", name]
    assert page.select_one("input[name=sample]")["value"] == sample
    assert page.select_one("input[name=username_regex]")["value"] == regex
    assert site.source().rules["username_regex"] == ""


def test_preview_counts_what_would_happen_to_everybody(site):
    source = site.add_source(state="active")
    site.push(source, "ann@x.test", "ben@x.test")

    page = site.post(
        RULES_PATH,
        status=200,
        preview="1",
        **entered(username_regex="(.*)@.*", username_replacement="$1"),
    )

    numbers = {site.words(d.dt): site.words(d.dd) for d in page.select(".counts > div")}
    assert numbers["Rename"] == "2"
    assert "ann@x.test" in site.get("/directory").get_text()


def test_preview_names_collisions_and_names_that_cannot_be(site):
    source = site.add_source()
    site.push(source, "ann@x.test", "ann@y.test", "@x.test")

    page = site.post(
        RULES_PATH,
        status=200,
        preview="1",
        **entered(username_regex="(.*)@.*", username_replacement="$1"),
    )

    rows = [site.words(row) for row in page.select(".preview tbody tr")]
    assert "Collision with ann@y.test" in rows[0]
    assert "No account The username rule makes an empty name" in rows[2]


def test_preview_without_directory_says_that_nothing_would_happen(site):
    site.add_source()

    page = site.post(RULES_PATH, status=200, preview="1", **entered(directory=""))

    assert "No directory is selected" in site.words(page.select_one(".preview"))


def test_saving_applies_the_rules_and_says_what_changed(site):
    source = site.add_source(state="active")
    site.push(source, "ann@x.test")

    page = site.post(
        RULES_PATH, save="1", **entered(username_regex="(.*)@.*", username_replacement="$1")
    )

    assert "Saved. Changes: 1 rename." in site.words(page)
    assert site.words(site.get("/directory").select_one("tbody a")) == "ann"
