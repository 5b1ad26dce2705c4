from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.core.row import Row
from labelwright.sandbox import Labeler
from labelwright.synthesis.llm.ledger import Ledger
from labelwright.synthesis.llm.openai_endpoint import OpenAIEndpoint
from labelwright.synthesis.llm.provider import KeptProvider
from labelwright.synthesis.pilot.estimate import estimate_pilot
from labelwright.synthesis.pilot.page import render_page
from labelwright.synthesis.pilot.report import PilotReport
from labelwright.synthesis.pilot.report_building import build_report
from labelwright.synthesis.pilot.result import PilotOptions, PilotRows
from labelwright.synthesis.pilot.run import run_pilot
from labelwright.synthesis.writing.round import WritingOptions

from tests.synthesis.faulty_endpoint import running
from tests.synthesis.made_up import japanese_notes
from tests.synthesis.pilot.reviews_pilot import (
    ASKED_TO_LABEL,
    PROGRAM,
    answer,
    pilot_rows,
)
from tests.synthesis.scripted import TOKENS_IN, TOKENS_OUT, scripted_provider
from tests.synthesis.tasks import make_task


def pilot(sandbox, given=None, **options):
    chosen = PilotOptions(**{"direct_labels": 60, "direct_sample": 50, "baseline": True, **options})
    provider = scripted_provider(answer)
    settings = WritingOptions(programs=3, strategies=("plain", "heuristics", "sample"))
    result, bundle = run_pilot(sandbox, provider, given or pilot_rows(), settings, chosen)
    document = build_report(result, provider.ledger.price)
    return document, bundle, json.loads(document.to_text()), provider


@pytest.fixture(scope="module")
def found(sandbox):
    return pilot(sandbox)


def test_the_report_says_what_is_served(sandbox, found):
    _, bundle, report, _ = found
    given = pilot_rows()
    packed = [json.dumps(list(row.record)) for row in given.test]
    labeler = Labeler.open(sandbox, bundle)
    served = np.array([labeled.decision.label for labeled in labeler.label(packed)])
    labeler.close()
    truth = np.array([row.label for row in given.test])
    assert report["ensemble"]["accuracy"] == pytest.approx((served == truth).mean())
    assert report["ensemble"]["coverage"] == pytest.approx((served >= 0).mean())
    assert report["ensemble"]["accuracy"] > report["majority"]["accuracy"] + 0.2


def test_the_curve_is_that_of_the_rows_which_both_labeled(found):
    document, _, report, _ = found
    curve, direct = report["curve"], report["direct"]
    assert curve["rows"] == direct["rows"] == 50
    assert curve["points"][-1]["accuracy"] == pytest.approx(direct["accuracy"])
    assert curve["points"][-1]["tokens"] == pytest.approx(report["cost"]["direct"]["tokens"])
    assert curve["points"][0]["tokens"] == 0
    by_share = {point["share"]: point["accuracy"] for point in curve["points"]}
    assert by_share[curve["recommended"]] >= max(by_share.values()) - 0.01
    assert curve["why"] in render_page(document)


def test_without_test_rows_there_is_no_curve(sandbox):
    document, _, report, _ = pilot(sandbox, pilot_rows(test_rows=0), baseline=False)
    assert report["curve"] is None
    assert "The least sure records" not in render_page(document)


def test_every_way_of_labeling_has_its_figures(found):
    report = found[2]
    for name in ("ensemble", "majority", "direct", "direct_calibrated", "baseline"):
        low, high = report[name]["interval"]
        assert low <= report[name]["accuracy"] <= high
        assert {"macro_f1", "coverage", "f1"} <= report[name].keys()
    assert report["direct"]["rows"] == 50
    assert report["ensemble"]["rows"] == 120


def test_costs_are_what_the_endpoint_counted(found):
    _, _, report, provider = found
    cost = report["cost"]
    counted = provider.ledger.worth()
    whole = cost["synthesis"]["tokens"] + cost["measuring"]["tokens_in"] + cost["measuring"]["tokens_out"]
    assert whole == counted.tokens_in + counted.tokens_out
    assert cost["measuring"]["tokens_in"] == 50 * TOKENS_IN
    assert cost["direct_per_record"]["tokens"] == TOKENS_IN + TOKENS_OUT
    assert cost["ratio_tokens"] == pytest.approx(1e6 * (TOKENS_IN + TOKENS_OUT) / cost["synthesis"]["tokens"])
    assert cost["direct"]["dollars"] == pytest.approx(TOKENS_IN * 1.0 + TOKENS_OUT * 4.0)
    spent, each = cost["synthesis"]["dollars"], cost["direct_per_record"]["dollars"]
    assert cost["break_even_records"] == pytest.approx(spent / each, abs=1)


def test_programs_asked_kept_and_dropped_add_up(found):
    report = found[2]
    assert report["programs_asked"] == report["programs_kept"] + len(report["dropped"]) == 3
    assert {"student_clear", "student_close"} <= {program["name"] for program in report["programs"]}
    described = [program for program in report["programs"] if program["name"].startswith("p")]
    assert "Looks for words of praise." in {program["description"] for program in described}


def test_the_same_run_gives_the_same_version(sandbox, found):
    again = pilot(sandbox)[1]
    files = {name: content for name, content in found[1].files.items() if name != "provenance.json"}
    assert files == {name: content for name, content in again.files.items() if name != "provenance.json"}


def test_without_test_rows_gold_is_measured_out_of_fold(sandbox):
    report = pilot(sandbox, pilot_rows(test_rows=0), direct_labels=0)[2]
    assert report["measured_on"] == "gold"
    assert 20 < report["rows"] <= 40
    assert 0.6 < report["ensemble"]["accuracy"] <= 1


def test_the_report_says_that_the_baseline_reads_characters(sandbox, found):
    given = pilot_rows()
    made_up = {rows: japanese_notes(rows, seed)[0] for seed, rows in enumerate((300, 40, 120))}
    unspaced = PilotRows(
        given.task,
        [(text,) for text in made_up[300]],
        [replace(row, record=(text,)) for row, text in zip(given.gold, made_up[40], strict=True)],
        [replace(row, record=(text,)) for row, text in zip(given.test, made_up[120], strict=True)],
    )
    report = pilot(sandbox, unspaced, direct_labels=0)[2]
    assert any("characters" in note for note in report["notes"])
    assert not any("characters" in note for note in found[2]["notes"])


def test_without_test_rows_all_ways_are_compared_on_rows_that_no_prompt_showed(sandbox):
    given = pilot_rows(test_rows=0)
    options = PilotOptions(direct_labels=0, direct_sample=100, baseline=True, with_student=False)
    settings = WritingOptions(programs=1, strategies=("plain",))
    result, bundle = run_pilot(sandbox, scripted_provider(answer), given, settings, options)
    report = build_report(result, None)
    shown = json.loads(bundle.files["provenance.json"])["shown_gold"]
    assert shown
    assert report.direct
    assert report.baseline
    assert report.rows == report.ensemble.rows == report.direct.rows == report.baseline.rows == 40 - len(shown)
    assert [row.id for row in result.measured] == [row.id for at, row in enumerate(given.gold) if at not in shown]
    texts = [str(row.record[0]) for row in result.measured]
    praised = ["great" in text or "lovely" in text for text in texts]
    assert report.ensemble.coverage == pytest.approx(np.mean(praised)), "what was shown is no abstention"
    assert any(f"{len(shown)} gold rows stood in prompts" in note for note in report.notes)


def test_the_llm_labels_by_the_guide_that_people_gave(sandbox):
    rows = pilot_rows(test_rows=20)
    settings = WritingOptions(programs=1, strategies=("plain",), guide="Praise wins over blame.")
    options = PilotOptions(direct_labels=20, direct_sample=20, with_student=False)
    with running(lambda body: answer(body["messages"][-1]["content"])) as endpoint:
        client = OpenAIEndpoint("m", api_key="k", base_url=endpoint.url, silence=5.0)
        provider = KeptProvider(client, None, Ledger(None))
        run_pilot(sandbox, provider, rows, settings, options)
    direct = [body["messages"] for body in endpoint.requests if "You label records" in body["messages"][0]["content"]]
    assert len(direct) == 40 + 20 + 20, "gold rows, records to learn from, rows to compare on"
    assert all("Praise wins over blame." in messages[0]["content"] for messages in direct)
    guided = estimate_pilot(rows, settings, options, None)
    assert guided.tokens_in > estimate_pilot(rows, replace(settings, guide=""), options, None).tokens_in


@pytest.mark.parametrize("direct_labels", [0, 60])
def test_gold_rows_of_one_label_do_not_make_a_version_that_gives_nothing_else(sandbox, direct_labels):
    given = pilot_rows()
    one_label = PilotRows(given.task, given.records, [row for row in given.gold if row.label == 0], given.test)
    _, bundle, report, _ = pilot(sandbox, one_label, direct_labels=direct_labels, baseline=False)
    right_good = report["confusion"][1]
    assert right_good[1] > right_good[0], "the program for the other label is right, and so is the version"
    assert any("say nothing of the others" in note for note in report["notes"])
    assert "say nothing of the others" in json.loads(bundle.files["provenance.json"])["gold_note"]
    assert "gold.jsonl" in bundle.files
    assert report["direct_calibrated"] is None


def test_labels_without_rows_are_named_and_not_averaged(sandbox):
    given = pilot_rows()
    task = make_task('[labels]\nbad = ""\ngood = ""\nmixed = ""\n[fields]\ntext = "text"')
    document, _, report, _ = pilot(sandbox, PilotRows(task, given.records, given.gold, given.test), baseline=False)
    each = [report["ensemble"]["f1"][name]["f1"] for name in ("bad", "good")]
    assert report["ensemble"]["macro_f1"] == pytest.approx(np.mean(each))
    assert any("mixed" in note for note in report["notes"])
    assert "<td>mixed</td><td>no rows</td>" in render_page(document)


def test_a_budget_that_ends_leaves_a_version_and_says_so(sandbox):
    provider = scripted_provider(answer, budget_tokens=6000)
    options = PilotOptions(direct_labels=200, direct_sample=50)
    result, bundle = run_pilot(sandbox, provider, pilot_rows(), WritingOptions(programs=1), options)
    report = build_report(result, None)
    assert bundle.programs
    assert report.direct is report.direct_calibrated is None
    assert report.cost.ratio is None
    assert render_page(report)
    assert provider.ledger.spent().tokens_in + provider.ledger.spent().tokens_out <= 6000


def test_the_page_needs_nothing_else_and_shows_the_figures(found):
    document, _, report, _ = found
    page = render_page(document)
    assert not re.search(r"<script|<link|src=|@import|url\(", page)
    assert page.count("<svg") == 3
    assert f"{100 * report['ensemble']['accuracy']:.1f}%" in page


def test_the_report_is_read_back_as_it_was_written(found):
    document = found[0]
    assert PilotReport.model_validate_json(document.to_text()) == document


def test_records_cannot_write_html(sandbox):
    given = pilot_rows()
    hostile = [Row((f"<script>alert({number})</script> great",), 0, "") for number in range(20)]
    report = pilot(sandbox, PilotRows(given.task, given.records, given.gold, hostile), direct_sample=0)[0]
    assert report.failures
    assert "<script" not in render_page(report)


def test_without_gold_the_llms_labels_stand_in(sandbox):
    given = pilot_rows()
    report = pilot(sandbox, PilotRows(given.task, given.records, [], given.test), baseline=False)[2]
    assert report["ensemble"]["accuracy"] > 0.7
    assert "student_close" in {program["name"] for program in report["programs"] if program["serves"]}


def test_a_baseline_that_cannot_be_had_is_refused_before_anything_is_asked(sandbox):
    task = make_task('[labels]\na = ""\nb = ""\n[fields]\nsize = "number"')
    given = PilotRows(task, [(1.0,), (2.0,)], [Row((1.0,), 0, ""), Row((2.0,), 1, "")])
    provider = scripted_provider(answer)
    with pytest.raises(ConfigurationError, match="text field"):
        run_pilot(sandbox, provider, given, WritingOptions(), PilotOptions(baseline=True))
    assert provider.ledger.entries == ()


def test_an_llm_that_guesses_is_not_asked_about_the_records(sandbox):
    provider = scripted_provider(lambda prompt: "good" if ASKED_TO_LABEL.match(prompt) else PROGRAM)
    given = pilot_rows()
    options = PilotOptions(direct_labels=200, direct_sample=0)
    settings = WritingOptions(programs=1, strategies=("plain",))
    result, bundle = run_pilot(sandbox, provider, given, settings, options)
    assert any("not surely better" in note for note in build_report(result, None).notes)
    assert provider.ledger.worth(["direct"]).calls == len(given.gold)
    assert "not surely better" in json.loads(bundle.files["provenance.json"])["direct_labels"]["stopped"]
