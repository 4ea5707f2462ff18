"""Addresses: where each page of the site lies, as a path from its root, and when two addresses of the web are one.

The site's own address is known to publishing alone.
"""

import re
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

HOME = "/"
_PORTS = {"http": 80, "https": 443}
_NAME = "[A-Za-z0-9_~-][A-Za-z0-9._~-]*"
_PLAIN = f"https?://[a-z0-9][a-z0-9.-]*/(?:{_NAME}/)*(?:{_NAME})?"
"""What is in the normal form already, for Python and for Spark; nearly every address is."""
_RESERVED = "!$&'()*+,;=:@/?[]"
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")


def locale_url(locale: Column) -> Column:
    """``/en/``"""
    return F.concat(F.lit("/"), segment(locale), F.lit("/"))


def collection_url(locale: Column, slug: Column) -> Column:
    """``/en/c/boho-rug/``"""
    return F.concat(F.lit("/"), segment(locale), F.lit("/c/"), segment(slug), F.lit("/"))


def image_url(locale: Column, image_id: Column) -> Column:
    """``/en/pin/12345/``"""
    return F.concat(F.lit("/"), segment(locale), F.lit("/pin/"), segment(image_id), F.lit("/"))


def segment(name: Column) -> Column:
    """``name`` as one part of a path: itself if it is plain, else ``x-`` and a hash.

    Ids and locales come from outside; ``..``, a slash or a percent sign in one must lead nowhere.
    """
    is_plain = name.rlike(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,99}\z")
    return F.when(is_plain, name).otherwise(F.concat(F.lit("x-"), F.substring(F.sha2(name, 256), 1, 24)))


def normal_column(address: Column) -> Column:
    """``normal`` as a column expression; null stays null."""
    return F.udf(lambda text: None if text is None else normal(text), StringType())(address)


def normalised(rows: DataFrame, name: str) -> DataFrame:
    """``rows`` with the column in its normal form; only what is in another goes through Python."""
    is_plain = F.coalesce(F.col(name).rlike(rf"\A{_PLAIN}\z"), F.lit(True))
    others = rows.where(~is_plain).withColumn(name, normal_column(F.col(name)))
    return rows.where(is_plain).unionByName(others)


@lru_cache(maxsize=10_000)  # rows of one page come together
def normal(address: str) -> str:
    """One spelling for all addresses of the web that RFC 3986 (6.2.2, 6.2.3) calls equal, without the fragment.

    Blanks around it are cut; scheme and host are in lower case, a host of other scripts as the name servers know it
    (IDNA); the scheme's own port, ``.`` and ``..`` are gone; what must be escaped is, in upper-case UTF-8, and nothing
    else. A last slash, the order of a query and http or https tell pages apart. What is no address of the web stays.
    """
    text = address.strip().strip("\u200b\ufeff")
    if re.fullmatch(_PLAIN, text):
        return text
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return text
    if parts.scheme not in _PORTS or not parts.hostname:
        return text
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    own_port = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    path = _without_dots(_one_escaping(parts.path)) or "/"
    query = f"?{_one_escaping(parts.query)}" if parts.query else ""
    return f"{parts.scheme}://{user}{_host(parts.hostname)}{own_port}{path}{query}"


def _host(name: str) -> str:
    import idna

    if ":" in name:  # IPv6
        return f"[{name}]"
    name = unquote(name).lower()
    if name.isascii():
        return name
    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        return _one_escaping(name)


def _one_escaping(part: str) -> str:
    def written(escape: re.Match[str]) -> str:
        if escape[1] is None:
            return "%25"
        character = chr(int(escape[1], 16))
        is_unreserved = character.isascii() and (character.isalnum() or character in "-._~")
        return character if is_unreserved else escape[0].upper()

    return _ESCAPE.sub(written, quote(part, safe=f"%{_RESERVED}"))


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for name in segments:
        if name == "..":
            del kept[-1:]
        elif name != ".":
            kept.append(name)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "".join(f"/{name}" for name in kept)
