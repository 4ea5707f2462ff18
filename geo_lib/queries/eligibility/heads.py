"""The heads: kinds of text that no page of pictures is published for, each a yes or no of its own."""

from collections.abc import Mapping

from geo_lib.queries.checks.eligibility import OFF_VOICE, WEAK_INTENT
from geo_lib.queries.checks.inclusiveness import EXCLUSIONARY
from geo_lib.queries.checks.trademarks import KIND as TRADEMARK

FIT = "fit"
GREY_ZONE = "grey_zone"
HEADS: Mapping[str, str] = {
    "brand": "names a brand, a trademark, a franchise or its characters",
    "off_voice": "speaks as no platform of pictures may: it advertises, names prices, urges, complains, shames, baits "
    "clicks, promises health or wealth, takes sides in politics, gossips",
    "weak_intent": "nothing that pictures could answer: it navigates, asks for opening hours, help with an account, a "
    "sum, the weather, a fact; chats; is a fragment",
    "grey": "lawful and yet delicate: gambling, tobacco and drugs, cures and procedures, schemes to get rich, the "
    "suggestive, weapons and what belongs to them, spying, dares",
    "exclusionary": "shuts people out or belittles them; attributes alone (plus size, hijab, wheelchair) do not",
}
"""Each with what an oracle is told of it. A text that several object to has the reason of the first."""
REASONS: Mapping[str, str] = {
    "brand": TRADEMARK,
    "off_voice": OFF_VOICE,
    "weak_intent": WEAK_INTENT,
    "grey": GREY_ZONE,
    "exclusionary": EXCLUSIONARY,
}
"""The reason codes: those of the lists, where a list has the kind."""
