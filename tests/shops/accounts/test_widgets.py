from shops.accounts.widgets import LongSelect, _options


def _drawn(value: str | None) -> str:
    widget = LongSelect(
        attrs={"autocomplete": "country"},
        choices=[("", "Choose"), ("CI", "Côte d'Ivoire"), ("<", "<b>")],
    )
    return widget.render("country", value, {"id": "id_country", "required": True})


def test_it_draws_what_django_would():
    drawn = _drawn("CI")

    assert drawn.startswith("<select ")
    for attribute in (
        ' name="country"',
        ' autocomplete="country"',
        ' id="id_country"',
        " required",
    ):
        assert attribute in drawn.partition(">")[0]
    assert '<option value="CI" selected>Côte d&#x27;Ivoire</option>' in drawn
    assert '<option value="&lt;">&lt;b&gt;</option>' in drawn
    assert drawn.count(" selected") == 1


def test_nothing_chosen_is_the_empty_choice_and_something_unknown_none():
    assert '<option value="" selected>' in _drawn(None)
    assert " selected" not in _drawn("XX")


def test_what_anybody_can_send_is_not_kept():
    _options.cache_clear()

    assert _drawn("X" * 10_000) == _drawn("Y" * 10_000)

    assert _options.cache_info().currsize == 1
