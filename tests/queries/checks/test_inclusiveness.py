import csv
from pathlib import Path

import pytest

from geo_lib.queries.checks.check import Said
from geo_lib.queries.checks.inclusiveness import INCLUSIVENESS, better_wording, exclusionary
from geo_lib.queries.text import normalise


@pytest.mark.parametrize(
    ("locale", "query", "instead"),
    [
        ("en", "swimsuits for normal bodies", "all"),
        ("en", "outfits for real women", "all"),
        ("en", "flesh coloured tights", "a shade to match your skin"),
        ("en", "manly bathroom", "bold"),
        ("en", "gypsy wagon", "boho"),
        ("en", "women belong in the kitchen sign", None),
        ("de", "hautfarbene strumpfhose", "im eigenen Hautton"),
        ("de", "mode für normale figuren", "alle"),
        ("de", "mohrenkopf torte", "Schokokuss"),
        ("en", "midget costume", "little person"),
        ("en", "crippled man drawing", "disabled"),
        ("en", "freak show poster", None),
        ("en", "savages poster", None),
        ("en", "aunt jemima costume", None),
        ("de", "stewardess kostüm", "Flugbegleitung"),
        ("de", "krankenschwester kostüm", "Pflegekraft"),
        ("de", "zigeunersoße", "Paprika"),
        ("de", "zigeunerin kostüm", "Hippie"),
        ("de", "zigeuner", "Sinti und Roma"),
        ("de", "negerpuppe", None),
        ("de", "behinderte kinder", "Menschen mit Behinderung"),
        ("de", "behinderten wc", "barrierefrei"),
    ],
)
def test_what_shuts_people_out_stops_with_a_better_wording_where_there_is_one(
    locale: str, query: str, instead: str | None
) -> None:
    assert INCLUSIVENESS.reasons([Said(locale, query, query)]) == ["exclusionary"]
    assert better_wording(query, locale=locale) == instead


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "natural hair for black women"), ("en", "plus size bikini"), ("en", "modest swimwear"),
        ("en", "hanukkah table"), ("en", "muslim wedding dress"), ("en", "wheelchair ramp"), ("en", "gay wedding cake"),
        ("en", "over 50 hairstyles"), ("en", "real wood floors"), ("en", "normal map"), ("en", "manly beach sydney"),
        ("en", "negroni recipe"), ("en", "indian costume jewelry"), ("en", "redskin potato salad"),
        ("en", "white trash snack mix"), ("en", "gimp photo editing"), ("en", "midget league baseball"),
        ("en", "exotic plants"), ("en", "fat quarter quilt"), ("en", "oriental lily"), ("en", "autism acceptance"),
        ("de", "locken frisuren schwarze frauen"), ("de", "mode große größen"), ("de", "kopftuch binden"),
        ("de", "echte blumen"), ("de", "möhren kuchen"), ("de", "fette henne"), ("de", "dicke wolle"),
        ("de", "barrierefreies bad"), ("de", "schwule hochzeit"), ("ja", "normal body"),
        ("de", "rollstuhl outfit herbst"), ("de", "was passt zu schwarzem kleid"), ("en", "fat boy bean bag room"),
        ("de", "fettes brot konzert outfit"),
    ],
)  # fmt: skip
def test_who_people_are_is_no_offence_and_neither_are_the_words_elsewhere(locale: str, query: str) -> None:
    assert exclusionary(query, locale=locale) is None
    assert better_wording(query, locale=locale) is None


@pytest.mark.parametrize("locale", ["en", "de"])
def test_of_queries_that_were_written_before_the_lists_nearly_all_stop_and_their_near_misses_do_not(
    locale: str,
) -> None:
    path = Path(__file__).with_name("data") / f"inclusiveness.{locale}.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    stopped, wrongly = (
        [row[side] for row in rows if exclusionary(normalise(row[side], locale=locale), locale=locale)]
        for side in ("exclusionary", "near_miss")
    )
    assert len(stopped) / len(rows) >= 0.9
    assert len(stopped) / (len(stopped) + len(wrongly)) >= 0.9
