from pathlib import Path

import pytest

from geo_lib.demo.truth.intents import intents
from geo_lib.demo.truth.latent import every_latent
from geo_lib.errors import InputError
from geo_lib.queries.checks.check import Said
from geo_lib.queries.checks.eligibility import ELIGIBILITY, ineligible
from geo_lib.queries.checks.intent import is_code, is_mashed
from geo_lib.queries.checks.trademarks import trademarks
from geo_lib.queries.text import normalise


def reason(text: str, *, locale: str = "en") -> str | None:
    return ELIGIBILITY.reasons([Said(locale, text, normalise(text, locale=locale))])[0]


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "IKEA hack"), ("en", "nikes outfit"), ("en", "H&M dress"), ("en", "coca-cola cake"),
        ("en", "cocacola sign"), ("en", "louie vuitton purse"), ("en", "Levi's 501 outfit"), ("en", "l'oréal lipstick"),
        ("en", "Nike® shoes"), ("en", "spider-man party"), ("en", "reese's peanut butter cake"), ("en", "velcro wall"),
        ("en", "tupperware cupboard"), ("en", "crocs outfit"), ("en", "dallas cowboys nails"), ("en", "beatles tattoo"),
        ("en", "canva template"), ("en", "instant pot chicken"), ("en", "emirates cabin crew"), ("en", "lego storage"),
        ("de", "h und m kleid"), ("de", "legohaus bauen"), ("de", "nutella plätzchen"), ("de", "dm haul"),
        ("de", "thermomix rezepte"), ("de", "käthe kruse puppe"), ("de", "fc bayern torte"), ("de", "eiskönigin torte"),
        ("de", "tesafilm basteln"), ("de", "kinder riegel torte"), ("de", "sendung mit der maus kuchen"),
        ("fr", "sac louis vuitton"), ("es", "tarta de barbie"), ("ja", "nike スニーカー"), ("tr", "galatasaray pasta"),
    ],
)  # fmt: skip
def test_a_trademark_stops_in_every_language_however_it_is_typed(locale: str, query: str) -> None:
    assert reason(query, locale=locale) == "trademark"
    assert ineligible(normalise(query, locale=locale), locale=locale) is not None


@pytest.mark.parametrize(
    ("locale", "marked", "innocent"),
    [
        ("en", "apple watch bands", "apple pie"), ("en", "target dollar spot finds", "target archery"),
        ("en", "mango jeans", "mango salsa"), ("en", "gap hoodie", "gap year"), ("en", "dove soap", "dove drawing"),
        ("en", "jaguar car interior", "jaguar print"), ("en", "amazon favorites", "amazon rainforest"),
        ("en", "subway sandwich", "subway tile kitchen"), ("en", "jordan 1 outfit", "jordan almonds"),
        ("en", "elsa braid", "elsa"), ("en", "frozen birthday party", "frozen yogurt"),
        ("en", "stanley cup holder", "stanley kubrick"), ("en", "swatch watch", "colour swatch card"),
        ("en", "tiffany bracelet", "tiffany lamp"), ("en", "lilo and stitch", "cross stitch"),
        ("de", "depot katalog", "depot"), ("de", "tempo taschentücher", "tempo"), ("de", "uhu kleber", "uhu basteln"),
        ("de", "golf gti", "golf party"), ("de", "polo ralph lauren", "polo hemd"),
        ("de", "leuchtturm notizbuch", "leuchtturm deko"), ("de", "braun mixer", "braun beige wohnzimmer"),
        ("de", "merci schokolade", "merci beaucoup"), ("de", "obi baumarkt", "obi kimono gürtel"),
    ],
)  # fmt: skip
def test_a_mark_that_is_also_a_word_stops_beside_what_shows_it(locale: str, marked: str, innocent: str) -> None:
    assert (reason(marked, locale=locale), reason(innocent, locale=locale)) == ("trademark", None)


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "ikat pillow"), ("en", "ikebana"), ("en", "bike"), ("en", "nike of samothrace"), ("en", "canvas art"),
        ("en", "cinderella wedding"), ("en", "popsicle stick crafts"), ("en", "crumble topping"), ("en", "marvelous"),
        ("en", "head and shoulders drawing"), ("en", "old bay window"), ("en", "superhero cake"), ("en", "djinn art"),
        ("de", "nikolaus basteln"), ("de", "barbier salon"), ("de", "böse hexe"), ("de", "niveau"), ("de", "teekanne"),
        ("de", "manner"), ("de", "kinder schokoladenkuchen"), ("fr", "persil"), ("fr", "médaille d'or"),
        ("it", "vespa"), ("nl", "moet"),
    ],
)  # fmt: skip
def test_what_merely_looks_like_a_brand_passes(locale: str, query: str) -> None:
    assert reason(query, locale=locale) is None


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "buy now and save"), ("en", "only today"), ("en", "curtains 50% off"), ("en", "50 off rugs"),
        ("en", "order yours"), ("en", "don't miss out"), ("en", "sofa $199"), ("en", "money back guarantee mattress"),
        ("en", "cheapest sofa"), ("en", "you won't believe this bedroom"), ("en", "doctors hate this"),
        ("en", "worst kitchen"), ("en", "hate my hair"), ("en", "why is my living room so ugly"),
        ("en", "lose 10 kg in a week"), ("en", "flat belly in 7 days"), ("en", "get rich quick"),
        ("en", "election results 2028"), ("en", "celebrity cheating scandal"),
        ("de", "jetzt kaufen"), ("de", "sofa zum bestpreis"), ("de", "nur heute"), ("de", "bis zu 70 % reduziert"),
        ("de", "teppich 19,99 €"), ("de", "was letzte preis"), ("de", "du wirst nicht glauben was passiert"),
        ("de", "warum ist mein haus so hässlich"), ("de", "10 kilo in 2 wochen abnehmen"), ("de", "schnell reich"),
        ("de", "bundestagswahl umfrage"), ("de", "promi trennung"),
    ],
)  # fmt: skip
def test_who_sells_complains_promises_or_gossips_is_off_voice(locale: str, query: str) -> None:
    assert reason(query, locale=locale) == "off_voice"


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "sale sign ideas for a yard sale"), ("en", "price tags for handmade things"), ("en", "best man outfit"),
        ("en", "black friday nails"), ("en", "ugly christmas sweater"), ("en", "hide ugly radiator"),
        ("en", "free printable"), ("en", "cheap bedroom ideas"), ("en", "gifts under $20"), ("en", "save the date"),
        ("en", "off grid cabin"), ("en", "20 off grid cabins"), ("en", "order of service"), ("en", "no hate"),
        ("en", "money cake"), ("en", "overnight braids"), ("en", "disappointed face"), ("en", "terrible twos party"),
        ("en", "political map of europe"), ("en", "weight loss tracker printable"), ("en", "last minute costume"),
        ("de", "günstige deko ideen"), ("de", "gutschein basteln"), ("de", "geldgeschenk 50 euro falten"),
        ("de", "preisschilder basteln"), ("de", "hässliches entlein"), ("de", "locken über nacht"),
        ("de", "maschen abnehmen"), ("de", "sternzeichen krebs"), ("de", "angebot kita"), ("de", "saale"),
        ("de", "schrecklich schöne halloween deko"), ("de", "geschenke unter 20 euro"),
        ("en", "buy nothing christmas gifts"), ("de", "jga spiele braut nicht peinlich"), ("de", "bauhaus möbel"),
    ],
)  # fmt: skip
def test_what_holds_a_word_of_advertising_or_complaint_innocently_passes(locale: str, query: str) -> None:
    assert reason(query, locale=locale) is None


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "the"), ("en", "and with"), ("en", "nice pictures"), ("en", "stuff"), ("en", "more"), ("en", "sign in"),
        ("en", "forgot password"), ("en", "www.example.com"), ("en", "example.com"), ("en", "hello"), ("en", "lol"),
        ("en", "how are you"), ("en", "asdfgh"), ("en", "aaaa"), ("en", "12345"), ("en", "12/05/2024"),
        ("en", "may 2024"), ("en", "img_2041.jpg"), ("en", "IMG 2041"), ("en", "how to make a"), ("en", "curtains and"),
        ("en", "what time is it"), ("en", "weather tomorrow"), ("en", "who is the president"), ("en", "pizza near me"),
        ("en", "train timetable"), ("en", "convert 5 inches to cm"), ("en", "50 usd in eur"),
        ("de", "und"), ("de", "schöne bilder"), ("de", "zeug"), ("de", "anmelden"), ("de", "hallo"), ("de", "qwertz"),
        ("de", "wie geht es dir"), ("de", "ideen für"), ("de", "wie spät ist es"), ("de", "wetter morgen"),
        ("de", "öffnungszeiten rathaus"), ("de", "24.12.2024"), ("de", "100 dollar in euro"), ("de", "fahrplan"),
    ],
)  # fmt: skip
def test_what_no_page_of_pictures_could_answer_has_no_intent(locale: str, query: str) -> None:
    assert reason(query, locale=locale) == "weak_intent"


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "undercut"), ("en", "ampersand wall art"), ("en", "love"), ("en", "sofa"), ("en", "gym"), ("en", "sky"),
        ("en", "2026 calendar"), ("en", "photo wall"), ("en", "photo ideas"), ("en", "home office"), ("en", "rhythm"),
        ("en", "login page design"), ("en", "sign in table wedding"), ("en", "property"), ("en", "liberty print"),
        ("en", "tree"), ("en", "walk in"), ("en", "press on"), ("en", "letter a"), ("en", "to do list"), ("en", "3d"),
        ("en", "4th of july"), ("en", "friday the 13th"), ("en", "80s outfit"), ("en", "good morning coffee"),
        ("en", "hello spring sign"), ("en", "cold weather outfits"), ("en", "b&w photo"), ("en", "gift for her"),
        ("de", "mond"), ("de", "ei"), ("de", "99 luftballons deko"), ("de", "wetter basteln"), ("de", "wert"),
        ("de", "was ziehe ich an"), ("de", "licht aus"), ("de", "lehrer:in"), ("de", "guten morgen kaffee"),
        ("de", "schöne gärten"), ("de", "fotowand"), ("de", "buchstabe a"),
    ],
)  # fmt: skip
def test_a_concrete_query_passes_however_short_it_is(locale: str, query: str) -> None:
    assert reason(query, locale=locale) is None


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "our tailors will measure you"), ("en", "we install kitchens"), ("en", "book a fitting"),
        ("en", "become a member"), ("en", "use code SUN at checkout"), ("en", "treat yourself today"),
        ("en", "welcome to our shop"), ("en", "available in all stores"), ("en", "show me 12 pictures of hats"),
        ("en", "show me hat ideas"), ("en", "create an image of a fox"), ("en", "please find hats"),
        ("en", "find some hats please"), ("en", "turn off dark mode"), ("en", "close this tab"),
        ("en", "download the app"), ("en", "pin this for later"), ("en", "tag your sister"),
        ("en", "see more on the blog"), ("en", "watch the full video"), ("en", "people with no taste"),
        ("en", "this hat looks so silly"), ("en", "nobody should wear hats"),
        ("en", "singer caught with new boyfriend"),
        ("en", "stops hair loss"), ("en", "SALE SALE SALE"), ("en", "vote for the senator"),
        ("de", "unsere schneider beraten sie"), ("de", "wir montieren küchen"), ("de", "termin vereinbaren"),
        ("de", "mitglied werden"), ("de", "mit dem code sonne sparen"), ("de", "gönn dir was"),
        ("de", "lassen sie sich beraten"), ("de", "in allen filialen erhältlich"),
        ("de", "zeig mir 12 bilder von hüten"),
        ("de", "zeig mir ideen für hüte"), ("de", "erstelle ein bild von einem fuchs"), ("de", "bitte hüte zeigen"),
        ("de", "kannst du hüte suchen"), ("de", "dunkelmodus ausschalten"), ("de", "schließe diesen tab"),
        ("de", "app herunterladen"), ("de", "merk dir das für später"), ("de", "markiere deine schwester"),
        ("de", "mehr auf dem blog"), ("de", "ganzes video ansehen"), ("de", "leute ohne geschmack"),
        ("de", "der hut sieht so albern aus"), ("de", "niemand sollte hüte tragen"), ("de", "stoppt haarausfall"),
        ("de", "sänger mit neuer freundin erwischt"), ("de", "sommer sale"), ("de", "minister tritt zurück"),
    ],
)  # fmt: skip
def test_who_speaks_for_a_shop_to_a_machine_to_followers_or_about_people_is_off_voice(locale: str, query: str) -> None:
    assert reason(query, locale=locale) == "off_voice"


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "i made this for my neighbour"), ("en", "my kids loved this pie"), ("en", "the app keeps crashing"),
        ("en", "obsessed with this rug"), ("en", "would recommend to anyone"), ("en", "this photo shows a shelf"),
        ("en", "experts reveal the best lamps"), ("en", "as an ai model"),
        ("de", "ich habe das für oma gestrickt"), ("de", "kann ich nur empfehlen"), ("de", "die app stürzt ab"),
        ("de", "dieses bild zeigt eine lampe"), ("de", "das solltest du wissen"), ("de", "fällt klein aus"),
    ],
)  # fmt: skip
def test_who_tells_of_what_was_reviews_or_describes_is_off_voice(locale: str, query: str) -> None:
    assert reason(query, locale=locale) == "off_voice"


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "gifts for someone who has everything"), ("en", "caption ideas for couples"),
        ("en", "where to go in italy"), ("en", "how to write a letter"), ("en", "stuff for my room"),
        ("en", "wow factor entryway"), ("en", "what is this style called"), ("en", "one star nursery"),
        ("en", "woman sitting pose"), ("en", "great quality time ideas"), ("en", "what should i wear"),
        ("en", "gift for my daughter"), ("en", "i want candy costume"), ("en", "step by step drawing"),
        ("de", "endlich urlaub"), ("de", "danke für die schöne zeit karte"), ("de", "frau die lacht"),
        ("de", "was machen bei regen"), ("de", "must have küche"), ("de", "passt perfekt zu blau"),
        ("de", "wow effekt wohnzimmer"), ("de", "ich liebe dich"), ("de", "geschenk für meine tochter"),
    ],
)  # fmt: skip
def test_wishes_in_the_first_person_and_of_somebody_pass(locale: str, query: str) -> None:
    assert reason(query, locale=locale) is None


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "however"), ("en", "maybe later then"), ("en", "like the last one"), ("en", "as shown above"),
        ("en", "some kind of thing"), ("en", "lorem ipsum"), ("en", "b09k4m2qx7"), ("en", "ff00aa"), ("en", "v2 final"),
        ("en", "ref 5561"), ("en", "rgb 10 20 30"), ("en", "12x 4y 7z"), ("en", "q w z"), ("en", "qsdfghj"),
        ("en", "ajfkdj"), ("en", "a lamp that is a lamp"), ("en", "plural of fox"), ("en", "what does arcane mean"),
        ("en", "regarding"), ("en", "phone number of the bakery"), ("en", "renew my passport"),
        ("de", "obwohl"), ("de", "vielleicht später"), ("de", "wie das letzte"), ("de", "siehe oben"),
        ("de", "ein paar dinge"), ("de", "das gleiche in anders"), ("de", "blindtext"), ("de", "kw 34"),
        ("de", "kopie 2 final"), ("de", "eine lampe die eine lampe ist"), ("de", "plural von fuchs"),
        ("de", "was bedeutet obskur"), ("de", "bezüglich"), ("de", "vorwahl ulm"), ("de", "reisepass verlängern"),
    ],
)  # fmt: skip
def test_what_only_joins_points_fills_or_defines_has_no_intent(locale: str, query: str) -> None:
    assert reason(query, locale=locale) == "weak_intent"


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("en", "good morning"), ("en", "thank you"), ("en", "our lady of guadalupe art"), ("en", "show home interior"),
        ("en", "follow your dreams quote"), ("en", "print at home calendar"), ("en", "pin up girl dress"),
        ("en", "test tube vases"), ("en", "size 12 dress"), ("en", "a4 frame"), ("en", "2x4 bench"), ("en", "30x40"),
        ("en", "room 12 x 14 layout"), ("en", "for sale by owner flyer"), ("en", "how to price handmade candles"),
        ("en", "b52 hair"), ("en", "a b c"), ("en", "please be seated sign"), ("en", "exposed brick"),
        ("en", "thumbs up icon"), ("en", "share button icon"), ("en", "meaning of flowers"), ("en", "u shaped kitchen"),
        ("de", "guten morgen"), ("de", "danke"), ("de", "rabatten bepflanzen"), ("de", "unser haus schild"),
        ("de", "anmeldung einschulung einladung"), ("de", "es weihnachtet sehr"), ("de", "wir sagen ja karte"),
        ("de", "ihr und ich poster"), ("de", "zeigt her eure füße ausmalbild"), ("de", "bitte nicht stören schild"),
        ("de", "daumen hoch"), ("de", "größe 42 kleid"), ("de", "bedeutung von farben"), ("de", "teil der familie"),
        ("de", "sehen lernen"),
    ],
)  # fmt: skip
def test_greetings_sizes_and_things_that_hold_such_words_pass(locale: str, query: str) -> None:
    assert reason(query, locale=locale) is None


@pytest.mark.parametrize(
    ("marked", "innocent"),
    [
        ("red bull dose", "red bull terrier"), ("penaten creme", "penaten"), ("knorr suppe", "knorriger baum"),
        ("schwarzkopf shampoo", "schwarzkopfschaf"), ("vorwerk staubsauger", "vorwerk"), ("frosch reiniger", "frosch"),
        ("nordsee backfisch", "nordsee strand"), ("amazon geschenke", "amazonas regenwald"),
        ("mars torte", "mars planet"),
        ("rotkäppchen sekt", "rotkäppchen kostüm"), ("toom deko", "toom"), ("manchester city", "manchester city break"),
    ],
)  # fmt: skip
def test_goods_are_told_from_animals_gods_farms_and_towns(marked: str, innocent: str) -> None:
    assert (reason(marked, locale="de"), reason(innocent, locale="de")) == ("trademark", None)


def test_a_trademark_is_said_before_how_it_is_sold() -> None:
    assert reason("buy ikea sofa now near me") == "trademark"
    assert reason("buy now near me") == "off_voice"


def test_languages_without_a_list_are_judged_by_trademarks_alone() -> None:
    assert [reason(text, locale="fr") for text in ("buy now", "asdfgh", "ikea")] == [None, None, "trademark"]


def test_a_word_is_mashed_when_most_of_its_letters_lie_side_by_side_or_it_says_one_thing_again_and_again() -> None:
    assert all(map(is_mashed, ("asdf", "lkjhgf", "sdfsdf", "qwertz", "aaa", "hahaha", "sdkfjhg")))
    assert not any(map(is_mashed, ("tree", "poverty", "mama", "schwung", "oo", "lgbtq", "treue")))


def test_a_code_mixes_letters_and_digits_as_no_size_decade_or_model_does() -> None:
    assert all(map(is_code, ("b07xj8c8f5", "a1b2c3", "ff00aa", "v2", "90210a", "asdf1234")))
    assert not any(map(is_code, ("b52", "f150", "3d", "80s", "1950s", "2000er", "30x40cm", "100ml", "facade", "y2k")))


@pytest.mark.parametrize("locale", ["en", "de"])
def test_nothing_that_is_asked_of_the_simulated_platform_stops(locale: str) -> None:
    asked = {text for latent in every_latent() for intent in intents(latent, locale) for text in intent.paraphrases}
    assert asked
    assert not {text for text in asked if ineligible(text, locale=locale)}


GOOD = "version: 2026-11-28\nkinds:\n  trademark:\n    stop: [acme]\n    rules:\n      - words:\n          [{names}]\n"


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ("bolt, ''", "row 7: a name is blank; write it or take the row out"),
        ("bolt, '  '", "row 7: a name is blank; write it or take the row out"),
        ("bolt, 4711", "row 7: the name 4711 is no text; put it in quotes"),
        ("bolt, no", "row 7: the name no is no text; put it in quotes"),
        ("bolt, [nut]", "row 7: a list or a mapping stands where a name should; write names alone"),
        ("bolt, acme", "row 7: the name 'acme' stands in row 4 already; take one of them out"),
        ("bolt, Nut", "row 7: no text is read as 'Nut'; write it in lower case, single spaces and without signs"),
        ("bolt, n&t", "row 7: no text is read as 'n&t'; write it in lower case, single spaces and without signs"),
    ],
)
def test_a_bad_row_of_the_trademarks_is_named_with_its_file(tmp_path: Path, names: str, complaint: str) -> None:
    path = tmp_path / "trademarks.yml"
    path.write_text(GOOD.format(names=names), encoding="utf-8")
    with pytest.raises(InputError) as stopped:
        trademarks(path)
    assert str(stopped.value) == f"trademarks.yml, {complaint}"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "trademarks.yml has no version"),
        ("kinds: {trademark: {stop: [acme]}}", "trademarks.yml has no version"),
        ("version: 2026-11-28", "trademarks.yml has no names"),
        ("version: [", "trademarks.yml is not YAML"),
    ],
)
def test_a_file_without_version_or_names_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "trademarks.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        trademarks(path)


def test_the_trademarks_are_more_than_nine_hundred() -> None:
    content = trademarks()["kinds"]["trademark"]
    assert len({name for rule in content["rules"] for name in rule["words"]}) > 900
