"""The jobs in the order of the flow, by workflow: the table of contents. A test holds it against the folder."""

from typing import Any

from jobs import (
    annotate_images,
    audit_tokens,
    build_collections,
    build_index,
    build_training_set,
    confirm_queries,
    embed_images,
    embed_queries,
    evaluate_annotations,
    evaluate_collections,
    evaluate_validation,
    evaluate_vlm,
    finetune_vlm,
    ingest_catalogue,
    ingest_search_console,
    judge_queries,
    label_queries,
    merge_queries,
    mine_queries,
    plan_links,
    prefer_vlm,
    pretrain_tiny_vlm,
    publish_pages,
    rank_annotations,
    simulate_platform,
    train_categories,
    train_eligibility,
    validate_queries,
)
from jobs.run.job import Job
from schemas.job_runs import JOB_RUNS
from schemas.table import Table

WORKFLOWS: dict[str, tuple[Job[Any], ...]] = {
    "ingest": (  # the outside world, as tables
        ingest_catalogue.JOB,  # manifest and pictures -> images, image_bytes
        ingest_search_console.JOB,  # bulk export, API rows -> search_console
        mine_queries.JOB,  # Eq. 1 -> query_performance, mined_queries
    ),
    "train": (  # every model that needs nothing of publish
        label_queries.JOB,  # a large model at an endpoint -> generations, oracle_queries
        judge_queries.JOB,  # the same, of what people type -> generations, query_judgements
        train_categories.JOB,  # oracle labels -> categories@champion, evaluations
        train_eligibility.JOB,  # oracle judgements -> eligibility@champion, evaluations
        build_training_set.JOB,  # mined queries -> training_examples
        audit_tokens.JOB,  # what they cost in tokens, and what the limit costs -> evaluations
        finetune_vlm.JOB,  # LoRA, Eq. 2 -> vlm@champion
        prefer_vlm.JOB,  # DPO, clicked above ignored, if asked for -> preference_pairs, vlm@preferred
    ),
    "publish": (  # from the model to pages
        annotate_images.JOB,  # vLLM over partitions -> generations
        evaluate_vlm.JOB,  # held-out images against truth or console -> evaluations
        validate_queries.JOB,  # parse, safety, language -> query_decisions, queries, annotations
        embed_queries.JOB,  # -> query_embeddings
        merge_queries.JOB,  # queries in other words -> query_merges
        confirm_queries.JOB,  # which find their images again without their own help -> round_trips
        embed_images.JOB,  # -> image_embeddings
        build_index.JOB,  # HNSW shards and their recall -> index_shards
        build_collections.JOB,  # retrieval and the gate -> collections, collection_items
        rank_annotations.JOB,  # VASE -> image_annotations
        plan_links.JOB,  # the link graph and PageRank -> links, page_authority
        publish_pages.JOB,  # HTML, pictures, sitemap -> pages
        evaluate_annotations.JOB,  # what images are annotated with, against truth or a second source -> evaluations
        evaluate_collections.JOB,  # what pages show, against the same -> evaluations
        evaluate_validation.JOB,  # what the checks stop and let pass, of planted queries -> evaluations
    ),
}
"""Each workflow's jobs, as ``resources/<workflow>.job.yml`` has them for tasks."""

BY_HAND: tuple[Job[Any], ...] = (
    simulate_platform.JOB,  # the demo's raw files and the truth behind them
    pretrain_tiny_vlm.JOB,  # the demo's base model, which is committed
)

JOBS: dict[str, Job[Any]] = {job.name: job for jobs in (BY_HAND, *WORKFLOWS.values()) for job in jobs}


def makers() -> dict[str, str]:
    """Model alias to what to type to have it made: the workflow of the job that writes it."""
    return {
        alias: f"geo run {workflow}"
        for workflow, jobs in WORKFLOWS.items()
        for job in jobs
        for alias in job.writes_models
    }


def all_tables() -> list[Table]:
    """Every table that some job writes, and ``job_runs``; by name."""
    written = {t.name: t for job in JOBS.values() for t in (*job.writes, *job.shares)} | {JOB_RUNS.name: JOB_RUNS}
    return [written[name] for name in sorted(written)]


def all_truth_tables() -> list[Table]:
    written = {t.name: t for job in JOBS.values() for t in job.writes_truth}
    return [written[name] for name in sorted(written)]
