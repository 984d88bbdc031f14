"""The stage's bench counts what resumes ask PostgreSQL, apart from a server's own rounds."""

from collections import Counter

from benchmarks.stage.bars import bars
from benchmarks.stage.scenarios import Statements, more_than_usual, without_values


def test_a_statement_is_the_same_whatever_its_values():
    one = without_values("SELECT a FROM b WHERE c IN ('x', 'it''s') AND d = 5 AND e > $1")
    other = without_values("SELECT a FROM b WHERE c IN ('y') AND d = 17 AND e > $2")
    assert one == other
    assert one != without_values("SELECT a FROM c WHERE c IN ('x') AND d = 5 AND e > $1")


def test_rounds_explain_as_many_statements_as_they_make_otherwise():
    otherwise = Counter({"round": 4})
    assert not more_than_usual(Counter({"round": 7}), otherwise, longer=1.0)
    assert not more_than_usual(Counter({"round": 11}), otherwise, longer=2.0)
    assert more_than_usual(Counter({"round": 20}), otherwise, longer=1.0) == {"round": 13}
    assert more_than_usual(Counter({"resume": 1}), otherwise, longer=2.0) == {"resume": 1}


def test_the_log_is_read_from_where_it_was_left(tmp_path):
    log = tmp_path / "postgres.log"
    log.write_text("2026 LOG:  statement: SELECT 1\n")
    statements = Statements(log)
    with log.open("a") as more:
        more.write("2026 LOG:  statement: SELECT 2\n2026 LOG:  execute <unnamed>: SELECT $1, 'a'\n")
        more.write("2026 DETAIL:  Parameters: $1 = '3'\n")
    assert statements.count() == {"SELECT ?": 1, "SELECT ?, ?": 1}
    assert not statements.count()


def test_a_figure_that_is_not_there_misses_its_bar():
    asked = {"scenario": "steady", "server": "uvicorn", "fast": True, "viewers": 2000, "rate": 500}
    wanted = bars(**asked, peers=True)
    assert all(bar.misses({}) for bar in wanted)
    kept = {bar.name: bar.limit for bar in wanted}
    assert not any(bar.misses(kept) for bar in wanted)
    worse = {bar.name: bar.limit + (-0.01 if bar.is_least else 0.01) for bar in wanted}
    assert all(bar.misses(worse) for bar in wanted)
