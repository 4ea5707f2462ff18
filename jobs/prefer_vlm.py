"""Let the tuned model prefer what people clicked to what they were shown and ignored (DPO). Off unless asked for.

    geo prefer-vlm --conf conf/mine.yml

Reads query_performance, training_examples and image_bytes; replaces preference_pairs and registers vlm@preferred, made
from the tuned model that vlm@champion is, or was made from. The champion stays where it is: the loss on held-out
answers is what tuning lowers, and tells nothing of this; geo evaluate-vlm measures both, and `promote` lets the
preferred one serve. Held-out pictures teach nothing. With `pairs: 0` nothing is read and nothing left. Counts training
examples.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.config import at_least_one, not_negative, setting
from geo_lib.counts import Counts
from geo_lib.errors import ModelError
from geo_lib.models import (
    CATEGORIES_CHAMPION,
    PREFERRED,
    VLM,
    VLM_CHAMPION,
    VLM_PREFERRED,
    ModelFiles,
    TrainingRun,
    made_from,
    preferred_version,
)
from geo_lib.provenance import version_of
from geo_lib.queries.category_model import loader
from geo_lib.queries.chain import chain, judged
from geo_lib.queries.checks.language import Language
from geo_lib.serving.processor import load_processor
from geo_lib.serving.settings import AskedVlm
from geo_lib.spark import held
from geo_lib.training.promotion import Promotion, promoted
from geo_lib.vlm import finetune as tuning
from geo_lib.vlm import greedy, parity
from geo_lib.vlm.batches import StoredExamples
from geo_lib.vlm.keeping import Answered, keep
from geo_lib.vlm.pairs import pairs, replacements, shown, stored, texts, within_tokens
from geo_lib.vlm.parity import Parity, Verdict
from geo_lib.vlm.preference import PREFERENCE_VERSION, Pair, PreferenceRecipe, Preferred, prefer
from geo_lib.vlm.settings import BaseVlm
from geo_lib.vlm.training_set import taught
from jobs.run.job import Context, Job
from jobs.run.tuning import examples_of, images_of, parity_of
from schemas.image_bytes import IMAGE_BYTES
from schemas.preference_pairs import PREFERENCE_PAIRS
from schemas.query_performance import QUERY_PERFORMANCE
from schemas.training_examples import TRAINING_EXAMPLES


@dataclass(frozen=True, slots=True)
class PreferVlm:
    """The knobs of this job; conf/*.yml may set any of them."""

    pairs: int = 0
    """At most so many pairs of answers, by hash; they lie on the driver. 0: none, and no model."""
    min_impressions: int = 11
    """Times that a query nobody clicked was shown to count as ignored. Eq. 1 judges from 11 on."""
    promote: bool = False
    """Whether the preferred model serves as vlm@champion; turned off again, the tuned one does."""
    vlm: BaseVlm = setting(BaseVlm)
    asked: AskedVlm = setting(AskedVlm, of="vlm")
    language: Language = setting(Language)
    """An ignored query that is unfit or of another language would teach what validation sees to anyway."""
    recipe: PreferenceRecipe = field(default_factory=PreferenceRecipe)
    parity: Parity = field(default_factory=Parity)

    def __post_init__(self) -> None:
        not_negative(self, "pairs")
        at_least_one(self, "min_impressions")


def run(ctx: Context, knobs: PreferVlm) -> Counts:
    if not knobs.pairs:
        return Counts(0, 0, report="off: set prefer_vlm.pairs to how many pairs of answers to learn from")
    tuned = _tuned(ctx)
    with held(_pairs(ctx, knobs, tuned)) as both:
        ctx.write(PREFERENCE_PAIRS, stored(both))
        counts = Counts.tallied(both)
    train_on, held_out = (_stored(ctx, split) for split in ("train", "held_out"))
    if not train_on:
        report = (
            f"no model: none of {counts.rows_in:,} training examples has a query that its picture was shown for "
            f"{knobs.min_impressions} times and nobody clicked, in the place of one that Eq. 1 retains; lower "
            "prefer_vlm.min_impressions, or wait for more of the search console"
        )
        return Counts(counts.rows_in, counts.kept, dropped=counts.dropped, report=report)
    promotion, found, verdicts = _preferred(ctx, knobs, tuned, train_on, held_out)
    serves = promotion.model if knobs.promote else tuned
    ctx.models.point(VLM_CHAMPION, serves.model_version)
    produced = {
        "trained": int(promotion.is_trained),
        "promoted": int(knobs.promote),
        "train_pairs": len(train_on),
        "held_out_pairs": len(held_out),
        "parity_asked": sum(verdict.asked for verdict in verdicts),
        "parity_equal": sum(verdict.equal for verdict in verdicts),
    }
    said = [_report(promotion, serves, found), *[parity.report(v, knobs.parity.examples) for v in verdicts]]
    return Counts(counts.rows_in, counts.kept, dropped=counts.dropped, produced=produced, report="\n".join(said))


def _tuned(ctx: Context) -> ModelFiles:
    """The tuned model that the champion is, or was made from."""
    champion = ctx.model(VLM_CHAMPION)
    tuned = ctx.models.known(VLM, made_from(champion.model_version))
    if tuned is None:
        raise ModelError(
            f"{VLM_CHAMPION} is {champion.model_version}, and the files of {made_from(champion.model_version)}, which "
            "it was made from, are gone; run geo finetune-vlm, which makes them again"
        )
    return tuned


def _pairs(ctx: Context, knobs: PreferVlm, tuned: ModelFiles) -> DataFrame:
    """Every training example with both answers, or with the reason why it has no second one."""
    every = ctx.read(TRAINING_EXAMPLES)
    examples = taught(every)
    said = shown(examples, ctx.read(QUERY_PERFORMANCE), min_impressions=knobs.min_impressions)
    categories = loader(ctx.model_if_any(CATEGORIES_CHAMPION))
    verdicts = judged(texts(examples, said), chain(knobs.language), categories=categories).where("reason is null")
    fit = verdicts.select("locale", F.col("raw").alias("query"), "words", "category")
    both = pairs(every, replacements(examples, said, fit), most=knobs.pairs)
    return within_tokens(both, processor_path=tuned.path, max_sequence_tokens=knobs.vlm.max_sequence_tokens)


def _stored(ctx: Context, split: str) -> list[Pair]:
    rows = ctx.read(PREFERENCE_PAIRS).where(F.col("split") == split).orderBy("example_id")
    return [Pair(*row) for row in rows.select("signature", "prompt", "chosen", "rejected", "visual_tokens").collect()]


def _preferred(
    ctx: Context, knobs: PreferVlm, tuned: ModelFiles, train_on: Sequence[Pair], held_out: Sequence[Pair]
) -> tuple[Promotion, list[Preferred], list[Verdict]]:
    """Have the model of these pairs, and let vlm@preferred name it once its files answer as the training did."""
    settings = {"recipe": asdict(knobs.recipe), "trainer": PREFERENCE_VERSION}
    recipe = version_of(pairs=[asdict(pair) for pair in train_on], **settings)
    found: list[Preferred] = []
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory() as folder:
        examples = StoredExamples(examples_of(ctx, "held_out", Path(folder, "held_out")))
        images = images_of(ctx, Path(folder, "images"))

        def train(run: TrainingRun, made: Path) -> None:
            processor = load_processor(tuned.path)
            model, learned = prefer(
                tuning.load(tuned.path),
                processor,
                train=train_on,
                held_out=held_out,
                images=images(),
                recipe=knobs.recipe,
                record=run.record,
                advance=ctx.progress,
            )
            found.append(learned)
            answered = Answered(examples, images(), knobs.parity, greedy.greedy(knobs.asked.decoding))
            keep(model, processor, answered, made=made)
            del model
            tuning.release()

        promotion = promoted(
            ctx.models,
            VLM,
            preferred_version(tuned.model_version, recipe),
            parameters={"made_from": tuned.model_version, "train_pairs": len(train_on), **settings},
            train=train,
            loss=lambda files: None,  # the newest: there is no loss by which two could be compared
            check=lambda files: verdicts.append(parity_of(ctx, knobs, files, examples, images)),
            tag=PREFERRED,
        )
    return promotion, found, verdicts


def _report(promotion: Promotion, serves: ModelFiles, found: Sequence[Preferred]) -> str:
    made = "trained" if promotion.is_trained else "reused"
    lines = [
        f"model {promotion.model.model_version} {made}, now {VLM_PREFERRED}; {VLM_CHAMPION} is {serves.model_version}"
    ]
    for learned in found:
        first, last = learned.margins[0], learned.margins[-1]
        lines.append(f"  reward margin of a step's pairs: {first:.3f} at first, {last:.3f} at last")
        if learned.held_out_margin is not None:
            better = f"{learned.held_out_share:.0%} are told apart better than before"
            lines.append(f"  reward margin of held-out pairs: {learned.held_out_margin:.3f}; {better}")
    return "\n".join(lines)


JOB = Job(
    name="prefer_vlm",
    knobs=PreferVlm,
    run=run,
    unit="training examples",
    reads=(QUERY_PERFORMANCE, TRAINING_EXAMPLES, IMAGE_BYTES),
    writes=(PREFERENCE_PAIRS,),
    reads_models=lambda knobs: (VLM_CHAMPION, CATEGORIES_CHAMPION) if knobs.pairs else (),
    writes_models=(VLM_PREFERRED, VLM_CHAMPION),
    ask=(
        "select locale, split, retained, ignored from {schema}.preference_pairs limit 10",
        "select split, count(*) as pairs, sum(size(ignored)) as queries from {schema}.preference_pairs group by 1",
    ),
)
