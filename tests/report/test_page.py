"""Pages: nothing from outside, both languages, every part the issue asks for, a table over the words."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser

import pytest

from konio.assess import Examined
from konio.errors import RefusedError, UsageError
from konio.lungs.quality import REMARKS
from konio.records import NOTICE, NOTICE_ZH, Refusal
from konio.report import render_index, render_page
from konio.report.index import Row
from konio.report.measures import MADE_UP, cohort_words, measured_words, score_words
from konio.report.words import WORDS, percent
from konio.tasks import ZONES

VOID = {"meta", "input", "br", "img", "link", "hr"}


class Parts(HTMLParser):
    """Collects what a page is made of, and checks that tags nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if "id" in dict(attrs):
            self.ids.append(dict(attrs)["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if "id" in dict(attrs):
            self.ids.append(dict(attrs)["id"])

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.tags if t == tag and wanted.items() <= a.items()]


@pytest.fixture(scope="module")
def examined(assessor, chest) -> Examined:
    return assessor.examine_image(chest)


@pytest.fixture(scope="module")
def html(assessor, examined) -> str:
    return render_page(examined, about=assessor.about)


@pytest.fixture(scope="module")
def parts(html) -> Parts:
    return Parts(html)


def refused(examined: Examined) -> Examined:
    why = RefusedError("truncated", "at byte 7")
    assessment = dataclasses.replace(
        examined.assessment,
        refusal=Refusal(why.code, why.reason, why.reason_zh),
        input={**examined.assessment.input, "path": "a/<b>&.dcm"},
        tasks={}, zones=None, rule=None, regions=(),
    )  # fmt: skip
    return Examined(assessment, examined.questions)


def test_nothing_is_loaded_from_outside(html: str, parts: Parts) -> None:
    for _, attributes in parts.tags:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            value = attributes.get(name) or "#"
            assert value.startswith(("data:image/", "#")), f"{name}={value[:60]}"
    assert "@import" not in html
    assert "url(" not in html
    assert not parts.all("link")


def test_nothing_may_run_but_its_own_script_and_style(html: str, parts: Parts) -> None:
    (policy,) = (
        a["content"] for a in parts.all("meta", **{"http-equiv": "Content-Security-Policy"})
    )
    assert policy.startswith("default-src 'none'")
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for _, attributes in parts.tags:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]


def test_both_languages_stand_beside_each_other(parts: Parts) -> None:
    english = len(parts.all("span", lang="en"))
    assert english == len(parts.all("span", lang="zh-Hans"))
    assert english > 60


@pytest.mark.parametrize(
    ("language", "shown", "asks"), [("en", "en", 0), ("zh", "zh", 0), ("auto", "en", 1)]
)
def test_the_language_shown_first(assessor, examined, language, shown, asks) -> None:
    (root,) = Parts(render_page(examined, language=language)).all("html")
    assert root["data-lang"] == shown
    assert ("data-follow" in root) == bool(asks)


def test_the_notice_stands_on_top_in_both_languages(html: str) -> None:
    head = html[html.index("<body") : html.index("<main")]
    assert NOTICE in head
    assert NOTICE_ZH in head


def test_the_untouched_film_and_a_layer_for_each_answer(parts: Parts, examined: Examined) -> None:
    (film,) = [a for t, a in parts.tags if t == "image" and a.get("id") == "film"]
    assert (film["width"], film["height"]) == ("200", "240")
    heats = parts.all("image", **{"class": "heat"})
    answered = [name for name, answer in examined.assessment.tasks.items() if answer is not None]
    assert [heat["data-task"] for heat in heats] == answered
    assert [heat["data-task"] for heat in heats if "hidden" not in heat] == ["stage"]
    choices = [a["value"] for a in parts.all("input", type="radio")]
    assert choices == ["", *answered]


def test_the_page_has_every_part(parts: Parts, html: str, examined: Examined) -> None:
    for part in ("opacity", "show-outlines", "show-boxes", "zoom-in", "reset", "print", "viewer"):
        assert part in parts.ids
    rule = examined.assessment.rule
    assert rule["sentence"] in html
    assert rule["sentence_zh"] in html
    for why in examined.assessment.withheld.values():
        assert why[0] in html
        assert why[1] in html
    assert examined.assessment.model.weights_sha256 in html
    assert examined.assessment.input["sha256"] in html
    assert WORDS["no-claim"].en in html
    assert len(parts.all("path")) == len(ZONES)


def test_identifiers_are_given_once_and_labels_point_at_one(parts: Parts) -> None:
    assert len(parts.ids) == len(set(parts.ids))
    for label in parts.all("label"):
        assert label["for"] in parts.ids
    for _, attributes in parts.tags:
        for name in (attributes.get("aria-labelledby") or "").split():
            assert name in parts.ids
    for field in parts.tags:
        if field[0] == "input":
            assert field[1]["id"] in [label["for"] for label in parts.all("label")]


def test_a_film_of_a_network_that_disagrees_with_the_standard_is_marked(examined: Examined) -> None:
    own = examined.assessment.tasks["stage"].prediction
    other = next(stage for stage in ("0", "I", "II", "III") if stage != own)
    rule = {**examined.assessment.rule, "stage": other}
    page = render_page(
        dataclasses.replace(
            examined, assessment=dataclasses.replace(examined.assessment, rule=rule)
        )
    )
    assert WORDS["disagree"].en.replace("'", "&#39;") in page


def test_a_name_from_outside_cannot_become_code(examined: Examined) -> None:
    given = {**examined.assessment.input, "path": "x/<script>alert(1)</script>.dcm"}
    page = render_page(
        dataclasses.replace(
            examined, assessment=dataclasses.replace(examined.assessment, input=given)
        )
    )
    assert "<script>alert" not in page


def test_what_was_noted_of_the_film_stands_there_in_both_languages(examined: Examined) -> None:
    quality = {"notes": ["spacing unknown", "view not stated"], "remarks": [REMARKS[2].en]}
    page = render_page(
        dataclasses.replace(
            examined, assessment=dataclasses.replace(examined.assessment, quality=quality)
        )
    )
    for text in (
        "spacing unknown; view not stated",
        "像素间距未知；文件头未注明投照体位",
        *REMARKS[2][2:],
    ):
        assert f">{text}<" in page


def test_a_refused_input_has_no_page(examined: Examined) -> None:
    with pytest.raises(UsageError, match="refused"):
        render_page(refused(examined))
    with pytest.raises(UsageError, match="language"):
        render_page(examined, language="fr")


def test_the_list_holds_assessed_and_refused_and_counts_them(assessor, examined: Examined) -> None:
    named = examined.assessment.with_files({"page": "out/chest-1.html"})
    rows = [
        Row.of(examined, named, failed=False),
        Row.of(refused(examined), refused(examined).assessment, failed=False),
    ]
    html = render_index(rows, about=assessor.about)
    parts = Parts(html)
    assert "chest-1.html" in [a["href"] for a in parts.all("a")]
    assert "a/&lt;b&gt;&amp;.dcm" in html
    assert "truncated" in html
    assert "<strong>1</strong>" in html
    assert all(a["src"].startswith("data:image/webp") for a in parts.all("img"))
    assert Parts(render_index([]))


def test_words_exist_in_both_languages() -> None:
    for key, words in WORDS.items():
        assert words.en.strip(), key
        assert words.zh.strip(), key
        assert re.search(r"[\u4e00-\u9fff]", words.zh) or key in ("model",), key
        assert not re.search(r"[\u4e00-\u9fff]", words.en), key


def test_percentages_never_say_certain_or_impossible() -> None:
    assert percent(0.999) == "> 99 %"
    assert percent(0.001) == "< 1 %"
    assert percent(0.5) == "50 %"
    assert percent(1.0) == "> 99 %"
    assert percent(0.0) == "< 1 %"


def of_tuberculosis(examined: Examined, doubtful: bool = True) -> Examined:
    zones = {zone: {**row, "doubtful": doubtful} for zone, row in examined.assessment.zones.items()}
    return dataclasses.replace(
        examined, assessment=dataclasses.replace(examined.assessment, zones=zones)
    )


def test_grades_of_a_film_of_tuberculosis_are_grey_and_say_why(examined: Examined) -> None:
    page, plain = (render_page(of_tuberculosis(examined, yes)) for yes in (True, False))
    for words in WORDS["zones-doubtful"]:
        assert words in page and words not in plain
    classes = {a["class"] for _, a in Parts(page).tags if "zone " in (a.get("class") or "")}
    assert classes == {"zone doubtful"}
    listed = render_index([Row.of(of_tuberculosis(examined), of_tuberculosis(examined).assessment, failed=False)])  # fmt: skip
    assert 'rect class="level-0"' in listed and not re.search('rect class="level-[123]"', listed)


def test_nothing_is_claimed_of_a_history_that_konio_cannot_know(html: str) -> None:
    assert WORDS["history"].zh in html
    assert "缺少可靠" not in html
    assert "。(" not in html


def test_numbers_of_the_film_have_a_unit_or_a_usual_range(html: str) -> None:
    for name in ("margin", "rotation", "inspiration", "lung_contrast", "clipped", "sharpness"):
        said = measured_words(name, 0.123)
        assert said is not None and "(usual: " in said.en and "（通常" in said.zh
    assert measured_words("mediastinum_contrast", -0.1).en == (
        "darker than the lungs by 10.0 % of the grey scale"
    )
    assert measured_words("rotation", -0.0043).en.startswith(
        "0.4 % of the chest's width to the left"
    )
    assert html.count("(usual: ") >= 5


def test_provenance_is_said_in_words(html: str) -> None:
    assert "stage/kappa" not in html and "description" not in html
    assert "Stage: quadratic-weighted kappa 0.50" in html
    assert "期别：二次加权 kappa 0.50" in html
    said = score_words({"differential/accuracy": 0.796, "zone_ru/mae": 0.931}, 216)
    assert said.en.startswith("Differential: right answers 80 %; right upper zone: mean error in grades 0.93. On the 216 films")  # fmt: skip
    assert "216 张" in said.zh
    assert score_words({}, 3) is None
    learned = cohort_words({"description": MADE_UP, "films": 3600, "patients": 3600, "trained_on": 3384, "held_out": 216})  # fmt: skip
    assert learned == (
        "made-up patients (computed phantoms): 3600 films of 3600 patients, 3384 to learn from, 216 held out",
        "合成患者（计算机体模）：3600 名患者的 3600 张胸片，其中 3384 张用于学习，216 张留出",
    )
    told = score_words({"accuracy": 0.79, "recall": {"0": 0.81, "I": 0.56}}, None)
    assert "recall: " in told.en and "召回率" in told.zh
