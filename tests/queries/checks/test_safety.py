import csv
from pathlib import Path

import pytest

from geo_lib.queries.checks.check import Said
from geo_lib.queries.checks.safety import KINDS, SAFETY, unsafe

DATA = Path(__file__).with_name("data")


def kind(query: str, *, locale: str = "en") -> str | None:
    finding = unsafe(query, locale=locale)
    return None if finding is None else finding.kind


@pytest.mark.parametrize(
    ("kind_of_it", "unfit", "near_miss"),
    [
        ("sexualised_minors", "nude teens", "nude nails for teens"),
        ("sexualised_minors", "sexy schoolgirl", "schoolgirl uniform pattern"),
        ("sexualised_minors", "lolita hentai", "sweet lolita dress"),
        ("self_harm", "kill yourself", "killer whale costume"),
        ("self_harm", "suicide notes", "suicide prevention ribbon"),
        ("self_harm", "thinspo", "christmas inspo"),
        ("self_harm", "cutting wrists", "cutting board"),
        ("hate", "swastika tattoo", "sanskrit tattoo"),
        ("hate", "heil hitler", "hail mary"),
        ("hate", "jew nose jokes", "jewish wedding"),
        ("hate", "retarded", "fire retardant fabric"),
        ("sexual", "naked girls", "naked cake"),
        ("sexual", "nude women in heels", "nude women heels"),
        ("sexual", "big cock", "rooster cock tattoo"),
        ("sexual", "dick pic", "moby dick costume"),
        ("sexual", "nakedgirls", "nakedcake"),
        ("violence", "pipe bomb recipe", "bath bomb recipe"),
        ("violence", "kill my husband", "kill bill costume"),
        ("violence", "3d printed gun", "glue gun holder"),
        ("violence", "rape", "rape blossom field"),
        ("drugs", "weed brownies", "weed whacker"),
        ("drugs", "crack pipe", "wall crack repair"),
        ("drugs", "snorting coke", "coke bottle vase"),
        ("drugs", "roll a joint", "dovetail joint"),
        ("drugs", "smoking pot", "pot roast"),
        ("profanity", "asshole", "grasshopper"),
        ("profanity", "shit show mug", "shiitake"),
        ("profanity", "you suck", "suction cup"),
        ("profanity", "bastard", "bastard file"),
    ],
)
def test_each_kind_has_a_reason_of_its_own_and_lets_its_near_miss_through(
    kind_of_it: str, unfit: str, near_miss: str
) -> None:
    assert (kind(unfit), kind(near_miss)) == (kind_of_it, None)


@pytest.mark.parametrize(
    ("locale", "unfit", "near_miss"),
    [
        ("de", "handschellen bett", "handschellen polizei kostüm"), ("de", "menschen töten", "tag der toten make up"),
        ("de", "geile titten", "geile deko"), ("de", "Pornobilder", "Promobilder"),
        ("de", "nackte frauen", "nacktschnecken bekämpfen"), ("de", "steifer schwanz", "fuchsschwanz kostüm"),
        ("de", "Hurensöhne", "hurra schulanfang"), ("de", "arschloecher", "arschbombe"), ("de", "scheiße", "Scheibe"),
        ("de", "vögeln im stehen", "tattoo mit vögeln"), ("de", "bombe bauen", "badebombe bauen"),
        ("de", "suizid methoden", "suizidprävention"), ("de", "joint drehen", "jeans joint"),
        ("fr", "femmes nues", "gâteau nu"), ("fr", "gros con", "chili con carne"),
        ("fr", "nique ta mère", "pique-nique"), ("fr", "sale pute", "disputé"),
        ("fr", "encules", "véhicules"), ("fr", "gros cul", "cul de sac"),
        ("es", "hijo de puta", "computadora"), ("es", "coño", "cono de helado"),
        ("es", "mujeres desnudas", "uñas nude"),
        ("es", "maricon", "mariquita"), ("it", "vaffanculo", "finocchio gratinato"), ("it", "che cazzo", "cazzuola"),
        ("it", "sei una troia", "cavallo di troia"), ("pt", "filho da puta", "disputa"), ("pt", "caralho", "carvalho"),
        ("nl", "kankerhoer", "hoera jarig"), ("nl", "naakte vrouwen", "naaktslakken"), ("pl", "kurwa", "kurtka"),
        ("ru", "хуй", "хвоя"), ("tr", "orospu çocuğu", "orkide"), ("sv", "jävla idiot", "slut på sommaren"),
        ("nb", "jævla hore", "full fart bursdag"), ("da", "luder", "god jul slut"),
        ("ro", "f.u.c.k", "cum sa decorezi"),
        ("sq", "f.u.c.k", "shit"), ("vi", "porn", "dong ho treo tuong"), ("ja", "fuck", "tシャツ"),
    ],
)  # fmt: skip
def test_every_language_has_its_own_words(locale: str, unfit: str, near_miss: str) -> None:
    assert kind(unfit, locale=locale) is not None
    assert kind(near_miss, locale=locale) is None


def test_a_word_is_judged_by_the_language_of_its_locale() -> None:
    assert kind("dick pic", locale="en-GB") == "sexual"
    assert kind("dick gefüttert", locale="de-AT") is None
    assert kind("gato negro", locale="es-MX") is None
    assert kind("nude teens", locale="de") == "sexualised_minors"  # English is understood everywhere
    assert kind("putain", locale="en") == "profanity"  # and these are, too


@pytest.mark.parametrize(
    "query",
    [
        "Scunthorpe", "maxi dress", "shag rug", "plant pot", "drawer knob", "nude heels", "cowgirl outfit",
        "gay wedding cake", "samsung a55 case", "t-shirt", "a b c poster", "grapefruit", "class of 2026", "assam tea",
        "",
        "men's t-shirt", "mid-century sofa", "tit@nium ring!", "maine coons", "Moby-Dick poster", "pussy willow wreath",
        "great tit print", "summa cum laude cap", "kinky curly hair", "spic and span kitchen", "same sex wedding cake",
        "fingering weight yarn", "hoar frost", "vera wang dress", "god bless this home", "breast cancer ribbon",
        "cumin",
        "natural hair for black women", "therapist office", "sussex spaniel", "cockapoo", "constitution", "rapper",
        "assess", "cummings poems", "e.e. cummings", "dickens village", "drapes", "analysis", "pen is mightier", "r&b",
    ],
)  # fmt: skip
def test_ordinary_words_that_word_lists_fear_are_let_through(query: str) -> None:
    assert kind(query) is None


@pytest.mark.parametrize(
    ("locale", "unfit", "near_miss"),
    [
        ("en", "young girls in underwear", "girls underwear drawer"),
        ("en", "little girls swimsuit pics", "little girls swimsuit"),
        ("en", "12 year old girl bikini", "bikini for girls room"),
        ("en", "little girls in bikinis", "girls bikini 1990s"),
        ("en", "11 year olds in swimwear", "12 year old girl bedroom"),
        ("en", "schoolboys in briefs", "young women in bikinis"),
        ("de", "junge mädchen in unterwäsche", "mädchen unterwäsche"),
        ("de", "kleine mädchen bikini bilder", "bikini mädchen 128"),
        ("de", "13 jährige im bikini", "junge frauen im bikini"),
        ("de", "kinder in unterwäsche fotos", "kinder unterwäsche nähen"),
    ],
)  # fmt: skip
def test_children_in_little_are_looked_at_and_their_clothes_are_bought(locale: str, unfit: str, near_miss: str) -> None:
    assert (kind(unfit, locale=locale), kind(near_miss, locale=locale)) == ("sexualised_minors", None)


@pytest.mark.parametrize(
    ("locale", "kind_of_it", "unfit", "near_miss"),
    [
        ("en", "drugs", "buy weed online", "buy weed killer"), ("en", "drugs", "weed for sale", "weed mat for sale"),
        ("en", "drugs", "order weed", "order weed barrier"), ("en", "drugs", "weed tattoo", "dandelion weed tattoo"),
        ("de", "drugs", "gras bestellen", "ziergras bestellen"),
        ("de", "drugs", "gras online kaufen", "rollrasen kaufen"),
        ("de", "drugs", "gras verkaufen", "gras samen kaufen"),
        ("en", "violence", "hitman for hire", "hitman game poster"),
        ("en", "violence", "rent a killer", "rent a weed killer"),
        ("en", "violence", "hire hitmen", "hire a killer whale costume"),
        ("de", "violence", "killer mieten", "killerwal"),
        ("de", "violence", "profikiller engagieren", "band engagieren"),
        ("de", "violence", "mörder beauftragen", "maler beauftragen"),
        ("en", "violence", "drowning kittens", "drowning kitten rescue"),
        ("en", "violence", "skinning cats", "cat skin"),
        ("en", "violence", "kick a puppy", "puppy kicking ball"),
        ("de", "violence", "kätzchen ertränken", "kätzchen tränken"),
        ("en", "self_harm", "fast to get skinny", "skinny jeans fast"),
        ("en", "self_harm", "fast until thin", "fast food"),
        ("en", "self_harm", "how long to fast to get skinny", "fast to sew skirt"),
        ("de", "self_harm", "fasten um dünn zu werden", "fasten brechen datteln"),
        ("de", "self_harm", "fasten bis ich dünn bin", "dünn ausgerollter teig"),
        ("en", "self_harm", "fingers down throat", "finger down the drain"),
        ("de", "self_harm", "finger in den hals abnehmen", "kind finger in den hals"),
        ("de", "self_harm", "finger in den hals stecken", "fingerfood stecken"),
        ("en", "self_harm", "kms", "5 kms run"), ("en", "self_harm", "want to kms", "kms to miles"),
        ("en", "self_harm", "kms quotes", "kms tracker printable"),
    ],
)  # fmt: skip
def test_what_is_sold_hired_or_done_in_other_words_stops_for_its_kind(
    locale: str, kind_of_it: str, unfit: str, near_miss: str
) -> None:
    assert (kind(unfit, locale=locale), kind(near_miss, locale=locale)) == (kind_of_it, None)


@pytest.mark.parametrize(
    ("locale", "innocent", "unfit"),
    [
        ("en", "sheer dress women", "girls in sheer tops"), ("en", "see through dress women", "see through women"),
        ("en", "thong bikini", "thong girls"), ("en", "micro bikini", "micro bikini pics"),
        ("en", "sexy lingerie", "sexy lingerie girls"), ("en", "no bra outfit", "no bra selfie"),
        ("de", "sexy dessous", "dessous girls"), ("de", "durchsichtiges kleid damen", "durchsichtig girls"),
        ("en", "gory makeup", "gory photos"), ("en", "gunshot wound halloween", "gunshot wound photos"),
        ("en", "severed head prop", "severed heads"), ("en", "fake severed hand", "hand severed"),
        ("de", "schusswunde schminken", "schusswunde echt"), ("de", "halloween abgetrennte hand", "abgetrennte hand"),
        ("de", "geköpfter reiter", "geköpft video"), ("en", "rape of proserpina", "rape of a girl"),
        ("en", "judith beheading holofernes", "beheading video"),
        ("de", "judith enthauptet holofernes", "enthauptet video"),
        ("en", "how to stop eating sugar", "how to stop eating for days"),
        ("en", "how to not eat meat", "how to not eat"),
        ("en", "mia fast braids", "mia fast"),
        ("en", "bbq ribs inspo", "ribs inspo"), ("en", "finger gun pointing", "gun pointing"),
        ("en", "redskin potatoes", "redskin"), ("en", "3d inspo", "ed inspo"), ("en", "3d tips", "ed tips"),
    ],
)  # fmt: skip
def test_what_is_worn_played_painted_or_cooked_is_no_offence_and_the_same_word_elsewhere_is(
    locale: str, innocent: str, unfit: str
) -> None:
    assert kind(innocent, locale=locale) is None
    assert kind(unfit, locale=locale) is not None


def test_the_strictest_kind_names_the_reason() -> None:
    assert kind("fuck") == "profanity"
    assert kind("fuck cocaine") == "drugs"
    assert kind("fuck cocaine porn") == "sexual"
    assert kind("fuck cocaine child porn") == "sexualised_minors"


def test_what_nobody_can_tell_is_held() -> None:
    assert kind("swastika quilt history") == "held"
    assert kind("hakenkreuz im museum", locale="de") == "held"


def test_the_check_looks_at_the_raw_text_because_normalising_takes_the_disguise_away() -> None:
    texts = [Said("en", "a$$hole vase", "a hole vase"), Said("en", "a hole", "a hole")]
    assert SAFETY.reasons(texts) == ["profanity", None]


def pairs(name: str, locale: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.{locale}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("name", ["safety", "safety_later"])
def test_of_queries_that_were_written_without_a_look_at_the_lists_nearly_all_stop_and_their_near_misses_do_not(
    name: str, locale: str
) -> None:
    rows = pairs(name, locale)
    stopped = [row["unsafe"] for row in rows if kind(row["unsafe"], locale=locale)]
    wrongly = [row["near_miss"] for row in rows if kind(row["near_miss"], locale=locale)]
    assert len(stopped) / len(rows) >= 0.97
    assert len(stopped) / (len(stopped) + len(wrongly)) >= 0.97


@pytest.mark.parametrize("locale", ["en", "de"])
def test_nearly_all_of_them_stop_for_their_kind(locale: str) -> None:
    rows = pairs("safety", locale)
    assert {row["kind"] for row in rows} == set(KINDS) - {"held"}
    assert sum(kind(row["unsafe"], locale=locale) == row["kind"] for row in rows) / len(rows) >= 0.93
