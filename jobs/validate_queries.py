"""Turn what the model wrote and the console has seen into validated queries, with a reason for every loss.

    geo validate-queries --conf conf/demo.yml

Reads generations of vlm@champion, mined_queries, query_performance and images; writes query_decisions, queries and
annotations. What the console has gets its category from categories@champion where that is sure, else from rules, as all
does where there is none; what the lists of eligibility let pass, eligibility@champion is asked about, if there is one.
What is in the language of another locale is judged anew and goes on there. A model is believed in a locale if what it
writes is what its pictures are found by, and not what any picture is. Counts proposed queries, each as what became of
it in the end; an answer without any counts as one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.config import setting, zero_to_one
from geo_lib.counts import Counts
from geo_lib.errors import ConfigError
from geo_lib.models import CATEGORIES_CHAMPION, ELIGIBILITY_CHAMPION, VLM_CHAMPION
from geo_lib.queries import decisions, proposals, routing
from geo_lib.queries.category_model import loader
from geo_lib.queries.chain import chain, judged
from geo_lib.queries.checks.language import Language
from geo_lib.queries.demographics import said_of_pictures
from geo_lib.queries.eligibility import model as eligibility
from geo_lib.queries.proof import Proof, proof_lines, proofs, unproven
from geo_lib.queries.routing import PAIR
from geo_lib.queries.wordings import counts_as_said, wordings
from geo_lib.serving.settings import AskedVlm
from geo_lib.spark import held, settled
from geo_lib.training.split import HeldOut, split_column
from geo_lib.vlm.answers import answers
from geo_lib.vlm.prompts import PROMPT_VERSION
from jobs.run.job import Context, Job
from schemas.annotations import ANNOTATIONS
from schemas.generations import GENERATIONS
from schemas.images import IMAGES
from schemas.mined_queries import MINED_QUERIES
from schemas.queries import QUERIES
from schemas.query_decisions import QUERY_DECISIONS
from schemas.query_performance import QUERY_PERFORMANCE


@dataclass(frozen=True, slots=True)
class ValidateQueries:
    """The knobs of this job."""

    vlm: AskedVlm = setting(AskedVlm)
    """Of a model's answers, those that were drawn like this."""
    language: Language = setting(Language)
    held_out: HeldOut = setting(HeldOut)
    min_confidence: float = 0.0
    """Of what the console does not have for an image, the model's queries that it was at least so sure of; 0: all."""
    min_gain: float = 0.05
    """How much oftener the console has what the model writes for the picture itself than for another one: a share of
    its queries for held-out pictures. In a locale where it is less, what the model alone says is dropped."""
    max_failed_share: float = 0.05
    """Share of proposals that may be generations that failed."""

    def __post_init__(self) -> None:
        zero_to_one(self, "min_confidence", "min_gain", "max_failed_share")


def run(ctx: Context, knobs: ValidateQueries) -> Counts:
    images = ctx.read(IMAGES)
    champion = ctx.model(VLM_CHAMPION).model_version
    answered = answers(
        ctx.read(GENERATIONS),
        images,
        model_version=champion,
        prompt_version=PROMPT_VERSION,
        decoding_version=knobs.vlm.decoding.version,
    )
    if answered.isEmpty():
        raise ConfigError(
            f"there is no answer of {champion} under decoding {knobs.vlm.decoding.version}; run "
            "geo annotate-images first"
        )
    proposed = proposals.model_proposals(answered, images).unionByName(
        proposals.console_proposals(ctx.read(MINED_QUERIES), images)
    )
    with held(proposed) as proposed:
        verdicts = settled(_verdicts(ctx, proposed, knobs))
        located = ctx.read(QUERY_PERFORMANCE).join(proposals.locale_of_signatures(images), on="signature", how="inner")
        pairs = proposed.select(*PAIR).unionByName(located.select(*PAIR))
        routes = settled(routing.routes(pairs, verdicts, images, sure=knobs.language))
        routed = routing.routed(proposed, routes)
        every = verdicts.unionByName(_verdicts(ctx, routed, knobs, known=verdicts))
        said_of = said_of_pictures(images)
        fit = settled(decisions.decided(routed, every, said_of, min_confidence=knobs.min_confidence))
        measured = _proofs(fit, images, knobs)
        doubted = unproven(measured, min_gain=knobs.min_gain)
        decided = settled(decisions.without_unproven(fit, doubted)) if doubted else fit
        in_the_end = decided.where("routed_to is null")
        counts = Counts.tallied(in_the_end, failed=F.col("failed"), rows_in=proposed.count())
        counts.refuse_above(knobs.max_failed_share, unit=JOB.unit)
        said = settled(wordings(decided, decisions.demand_of(located, routes), ctx.read(QUERIES)))
        ctx.write(QUERY_DECISIONS, decisions.decisions(decided, said))
        ctx.write(ANNOTATIONS, decisions.annotations(decided, said))
        ctx.write(QUERIES, decisions.queries(ctx.read(ANNOTATIONS), decided, said))
        lines = [*_ways(decided), *proof_lines(measured, min_gain=knobs.min_gain)]
        return replace(counts, report="\n".join(lines))


def _proofs(fit: DataFrame, images: DataFrame, knobs: ValidateQueries) -> Mapping[str, Proof]:
    held_out = images.where(split_column(F.col("split_key"), knobs.held_out) == "held_out")
    return proofs(fit.where(counts_as_said()), held_out.select("signature").distinct())


def _verdicts(
    ctx: Context, proposed: DataFrame, knobs: ValidateQueries, *, known: DataFrame | None = None
) -> DataFrame:
    """What the chain says of every distinct text of ``proposed`` that is not ``known``."""
    texts = proposed.where("problem is null").select("locale", F.col("query").alias("raw")).distinct()
    if known is not None:
        texts = texts.join(known, on=["locale", "raw"], how="left_anti")
    checks = chain(knobs.language, eligibility=eligibility.loader(ctx.model_if_any(ELIGIBILITY_CHAMPION)))
    return judged(texts, checks, categories=loader(ctx.model_if_any(CATEGORIES_CHAMPION)))


def _ways(decided: DataFrame) -> list[str]:
    """How many went on from which locale to which, in a line; none where none did."""
    ways = decided.where("routed_to is not null").groupBy("locale", "routed_to").count().orderBy("locale", "routed_to")
    told = ", ".join(f"{way['locale']} to {way['routed_to']} {way['count']:,}" for way in ways.collect())
    return [f"routed to the locale of their language: {told}"] if told else []


JOB = Job(
    name="validate_queries",
    knobs=ValidateQueries,
    run=run,
    unit="proposed queries",
    reads=(GENERATIONS, MINED_QUERIES, QUERY_PERFORMANCE, IMAGES),
    writes=(QUERY_DECISIONS, QUERIES, ANNOTATIONS),
    ask=(
        "select stage, reason, count(*) as queries from {schema}.query_decisions group by all order by 3 desc",
        "select locale, routed_to, query from {schema}.query_decisions where routed_to is not null limit 10",
    ),
    reads_models=lambda _: (VLM_CHAMPION, CATEGORIES_CHAMPION, ELIGIBILITY_CHAMPION),
)
