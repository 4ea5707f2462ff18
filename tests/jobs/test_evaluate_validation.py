"""The planted queries measured through the real chain: what it reaches, and where nothing is planted."""

from geo_lib.demo.truth_tables import planted_rows
from geo_lib.spark import local_frame
from jobs.evaluate_validation import EVALUATION, JOB, EvaluateValidation
from jobs.run.job import Context
from schemas.evaluations import EVALUATIONS
from schemas.truth_planted import TRUTH_PLANTED


def test_the_checks_reach_of_the_planted_queries_what_they_are_quoted_for(context: Context) -> None:
    planted = planted_rows()
    rows = local_frame(context.spark, planted, TRUTH_PLANTED.schema)
    context.tables.truth.write(TRUTH_PLANTED, rows)
    counts = context.run(JOB, EvaluateValidation())
    assert counts.rows_in == len(planted)
    found = {
        (r.arm, r.segment, r.metric): r.value
        for r in context.tables.read(EVALUATIONS).where(f"evaluation = '{EVALUATION}'").collect()
    }
    for locale in ("en", "de"):
        assert found["unsafe", f"locale:{locale}", "recall"] >= 0.92
        assert found["unsafe", f"locale:{locale}", "precision"] >= 0.98
        assert found["exclusionary", f"locale:{locale}", "precision"] >= 0.90
        assert found["branded", f"locale:{locale}", "recall"] >= 0.95
        assert found["branded", f"locale:{locale}", "precision"] >= 0.95
        for kind in ("off_voice", "weak_intent"):
            assert found[kind, f"locale:{locale}", "recall"] >= 0.45
            assert found[kind, f"locale:{locale}", "precision"] >= 0.95
        assert found["duplicate", f"locale:{locale}", "recall"] >= 0.80
        assert found["duplicate", f"locale:{locale}", "precision"] >= 0.98
        assert found["wrong_language", f"locale:{locale}", "recall"] >= 0.95
        assert found["wrong_language", f"locale:{locale}", "precision"] >= 0.95
    assert "recall of the checks" in (counts.report or "")


def test_where_nothing_is_planted_nothing_is_measured_and_it_says_so(context: Context) -> None:
    counts = context.run(JOB, EvaluateValidation())
    assert (counts.rows_in, counts.kept) == (0, 0)
    assert "nothing is planted" in (counts.report or "")
