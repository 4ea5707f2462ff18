"""What an image is called, for people and for those who cannot see it. Pure: no reads, no writes."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.catalogue.text import present


def image_names(images: DataFrame, image_annotations: DataFrame) -> DataFrame:
    """``image_id, name, title``, one row per image.

    ``name`` says what is to be seen: the best annotation of the category description, else the best of all,
    else the title, else the board; null when nothing is known. Titles stand behind, because half of them are
    vague ("love this") or missing; ``title`` is the catalogue's own, on one line, null when it has none.
    """
    descriptions_first = Window.partitionBy("image_id").orderBy(F.col("category") != "description", "rank")
    best = (
        image_annotations.withColumn("place", F.row_number().over(descriptions_first))
        .where(F.col("place") == 1)
        .select("image_id", F.col("query").alias("said"))
    )
    title, board = present(F.col("title")), present(F.col("board_title"))
    name = F.coalesce(capitalised(F.col("said"), F.col("locale")), title, board)
    return images.join(best, on="image_id", how="left").select("image_id", name.alias("name"), title.alias("title"))


def capitalised(text: Column, locale: Column) -> Column:
    """With a capital first letter, where the script has one for it; the rest as it is: German nouns keep theirs.

    The capital of titles, which Georgian has none of, and in Turkish and Azerbaijani the one that keeps its dot.
    """
    first = F.substring(text, 1, 1)
    keeps_dot = F.split_part(locale, F.lit("-"), F.lit(1)).isin("tr", "az") & (first == "i")
    return F.concat(F.when(keeps_dot, "İ").otherwise(F.initcap(first)), text.substr(F.lit(2), F.length(text)))
