"""Train the model that tells what no page may stand for on what the oracle judged, and measure it.

    geo train-eligibility --conf conf/demo.yml

Reads query_judgements; registers eligibility@champion when the loss on held-out phrasings does not rise, and replaces
its slice of evaluations: recall and precision of each head by those phrasings. A model of the same judgements, encoder
and recipe is reused. A head without enough phrasings is not made, and without any there is no model: lists judge as
before. Counts judgements.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pyspark.sql import functions as F

from geo_lib.config import at_least_one, setting
from geo_lib.counts import Counts
from geo_lib.embeddings.encoder import text_model
from geo_lib.embeddings.family import Families, default_families, encoder_folders, refuse_unlike_families
from geo_lib.errors import ConfigError, ModelError
from geo_lib.evaluation.eligibility import EVALUATION, eligibility_rows, measured_eligibility
from geo_lib.evaluation.rows import report_lines
from geo_lib.models import ELIGIBILITY as MODEL
from geo_lib.models import ELIGIBILITY_CHAMPION, TrainingRun, base_files
from geo_lib.provenance import version_of
from geo_lib.queries.eligibility import llama
from geo_lib.queries.eligibility.heads import HEADS
from geo_lib.queries.eligibility.labels import Label, labels_of
from geo_lib.queries.eligibility.llama import LlamaRecipe, fit_llama
from geo_lib.queries.eligibility.model import (
    LINEAR,
    LLAMA,
    EligibilityModel,
    eligibility_model,
    encoder_version,
    objections,
)
from geo_lib.queries.eligibility.training import fit_linear, learnable, losses_of, sure_lines
from geo_lib.spark import local_frame
from geo_lib.training.linear import LEAST_GROUPS, TRAINER_VERSION, HeadRecipe
from geo_lib.training.promotion import Promotion, promoted
from jobs.run.job import Context, Job
from schemas.evaluations import EVALUATIONS
from schemas.query_judgements import QUERY_JUDGEMENTS

TOO_FEW, OVER_MOST = "too_few_phrasings", "over_most_texts"


@dataclass(frozen=True, slots=True)
class TrainEligibility:
    """The knobs of this job; conf/*.yml may set any of them."""

    head: str = LINEAR
    """What judges: linear heads on the vectors of the first family's encoder, or a LLaMA tuned by LoRA."""
    families: Families = setting(default_families)
    heads: tuple[str, ...] = tuple(HEADS)
    """Those that are made, of what the oracle judges."""
    recipe: HeadRecipe = field(default_factory=lambda: HeadRecipe(strength=10.0, rows_alike=True))
    """``least_precision`` is that of all heads together, where a text is as likely unfit as fit."""
    base: str = ""
    """Folder of the LLaMA, or a hub id as org/name@revision."""
    llama: LlamaRecipe = field(default_factory=LlamaRecipe)
    most_texts: int = 50_000
    """Texts that it learns from and is measured by; they and their vectors lie on the driver. The first by hash."""

    def __post_init__(self) -> None:
        at_least_one(self, "most_texts")
        refuse_unlike_families(self.families)
        if self.head not in (LINEAR, LLAMA):
            raise ConfigError(f"train_eligibility.head must be {LINEAR} or {LLAMA}, not {self.head}")
        if not self.heads or (unknown := set(self.heads) - set(HEADS)):
            raise ConfigError(
                f"train_eligibility.heads has {', '.join(sorted(unknown)) if self.heads else 'none'}; "
                f"name some of {', '.join(HEADS)}"
            )
        if self.head == LLAMA and not self.base:
            raise ConfigError(
                "train_eligibility.head is llama, and base names none; give a folder, or a hub id as org/name@revision"
            )

    @property
    def of_each_head(self) -> HeadRecipe:
        """The recipe of one head: of the fit texts that all may stop together each has its share."""
        return replace(self.recipe, least_precision=1 - (1 - self.recipe.least_precision) / len(self.heads))


def run(ctx: Context, knobs: TrainEligibility) -> Counts:
    labels, rows_in, dropped = _labels(ctx, knobs)
    train, held_out = ([it for it in labels if it.split == split] for split in ("train", "held_out"))
    if not (heads := learnable(train, knobs.heads)):
        report = f"no model: no head has {LEAST_GROUPS} phrasings of its kind and of fit texts; lists judge alone"
        dropped |= {TOO_FEW: len(labels)} if labels else {}
        return Counts(rows_in, 0, dropped=dropped, report=report)
    promotion = _promoted(ctx, knobs, train, held_out, heads)
    files = ctx.models.resolve(ELIGIBILITY_CHAMPION)
    model = eligibility_model(files.path)
    measured = measured_eligibility(held_out, _objections(model, held_out), seed=knobs.recipe.seed)
    rows = eligibility_rows(measured, version=files.model_version)
    ctx.write(EVALUATIONS, local_frame(ctx.spark, rows, EVALUATIONS.schema), slices=[EVALUATION])
    columns = [f"locale:{locale}" for locale in sorted({label.locale for label in held_out})]
    tables = [
        report_lines(f"{metric} on phrasings that were held out, by head", of_metric, {}, columns=columns)
        for metric, of_metric in measured.items()
    ]
    made = "trained" if promotion.is_trained else "reused"
    title = f"model {promotion.model.model_version} {made}, {'' if promotion.is_champion else 'not '}"
    without = [f"{name}: too few phrasings, no head" for name in knobs.heads if name not in heads]
    produced = {
        "trained": int(promotion.is_trained),
        "champion_moved": int(promotion.has_moved),
        "heads": len(heads),
        "held_out_texts": len(held_out),
    }
    report = "\n".join([title + ELIGIBILITY_CHAMPION, *sure_lines(model.thresholds), *without, *tables])
    return Counts(rows_in, len(labels), dropped=dropped, produced=produced, report=report)


def _labels(ctx: Context, knobs: TrainEligibility) -> tuple[list[Label], int, dict[str, int]]:
    """The labels, how many judgements there are, and why others teach nothing."""
    judged = ctx.read(QUERY_JUDGEMENTS)
    order = F.sha2(F.concat_ws("\n", "locale", "query"), 256)
    rows = judged.orderBy(order, *QUERY_JUDGEMENTS.key).limit(knobs.most_texts).collect()
    said = [(row["locale"], row["query"], [name for name in HEADS if row[name]]) for row in rows]
    labels, dropped = labels_of(said)
    rows_in = judged.count()
    return labels, rows_in, dropped | ({OVER_MOST: over} if (over := rows_in - len(rows)) else {})


def _objections(model: EligibilityModel, labels: Sequence[Label]) -> list[str | None]:
    return objections(model, [(label.locale, label.text) for label in labels])


def _promoted(
    ctx: Context, knobs: TrainEligibility, train: Sequence[Label], held_out: Sequence[Label], heads: Sequence[str]
) -> Promotion:
    settings: dict[str, object] = {
        "head": knobs.head,
        "heads": list(heads),
        "recipe": asdict(knobs.of_each_head),
        "trainer": TRAINER_VERSION,
    }
    if knobs.head == LLAMA:
        base = base_files(knobs.base, cache=ctx.path("models", "hub"))
        settings |= {"base": base.digest, "llama": asdict(knobs.llama), "trainer": llama.TRAINER_VERSION}
    else:
        settings["encoder"] = encoder_version(text_model(knobs.families[0].encoder))

    def fit(training: TrainingRun, made: Path) -> None:
        if knobs.head == LLAMA:
            fit_llama(train, held_out, made, base=base.path, heads=heads, recipe=knobs.llama, sure=knobs.of_each_head)
        else:
            fit_linear(train, made, encoder=knobs.families[0].encoder, recipe=knobs.of_each_head, heads=heads)
        losses = losses_of(eligibility_model(str(made)), held_out)
        training.record({f"held_out_loss.{name}": value for name, value in losses.items()}, 1)

    def loss(folder: str) -> float | None:
        try:
            losses = losses_of(eligibility_model(folder), held_out)
        except ModelError:
            return None  # its encoder is another by now, so that it cannot serve: the newest wins
        return sum(losses.values()) / len(losses) if losses else None

    labels = [[it.locale, it.text, sorted(it.kinds), it.split] for it in (*train, *held_out)]
    return promoted(
        ctx.models,
        MODEL,
        version_of(labels=labels, **settings),
        parameters={"train_texts": len(train), "held_out_texts": len(held_out), **settings},
        train=fit,
        loss=lambda files: loss(files.path),
    )


JOB = Job(
    name="train_eligibility",
    knobs=TrainEligibility,
    run=run,
    unit="judgements",
    reads=(QUERY_JUDGEMENTS,),
    shares=(EVALUATIONS,),
    writes_models=(ELIGIBILITY_CHAMPION,),
    files=lambda knobs: (
        *encoder_folders(knobs.families),
        *((knobs.base,) if knobs.base and Path(knobs.base).is_dir() else ()),
    ),
    ask=(
        "select arm, segment, metric, value, ci_low, ci_high, n from {schema}.evaluations "
        "where evaluation = 'eligibility' order by metric, arm",
    ),
)
