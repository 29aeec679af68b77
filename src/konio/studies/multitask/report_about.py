"""What stands above and below the page: title, first weights, what is not comparable, where the numbers come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from konio.report.words import Words
from konio.studies.multitask.presets import PRESETS
from konio.studies.multitask.report_runs import METHODS, Evidence
from konio.studies.page import About
from konio.studies.reported import read
from konio.studies.tables import Text
from konio.tasks import RADIOGRAPH_TASKS

_TITLE: Final = Words(
    "Does learning two questions together help? Paper A, repeated",
    "同时学习两个问题是否有益？论文A的重复",
)
_REAL: Final = Words("Tuberculosis against normal on real films", "真实胸片：肺结核与正常")
_FROM: Final[Mapping[str, Words]] = {
    "kept": Words("from what a finished backbone sees", "使用已有骨干网络所见特征"),
    "skipped": Words("learned from nothing", "不使用预训练权重"),
    "given": Words("from pre-trained weights", "使用预训练权重"),
    "made": Words("from weights pre-trained by this study", "使用本研究预训练的权重"),
}
_QUESTIONS: Final[Mapping[str, Words]] = {
    "differential": Words("differential", "鉴别诊断"),
    "stage": Words("stage", "分期"),
}
#: Whose weights a file holds, by `konio.networks.weights`.
_ORIGINS: Final[Mapping[str, Words]] = {
    "konio": Words("the backbone of a konio model", "konio模型的骨干网络"),
    "konio bundle": Words("the backbone of a konio model", "konio模型的骨干网络"),
    "konio run": Words("the backbone of a training run of konio", "konio训练中网络的骨干"),
    "imagenet": Words("ImageNet", "ImageNet"),
    "chexnet": Words("CheXNet (ChestX-ray14)", "CheXNet（ChestX-ray14）"),
    "torchxrayvision": Words("TorchXRayVision", "TorchXRayVision"),
}


def is_real(evidence: Evidence) -> bool:
    """Whether the study asks tuberculosis against normal of real films, which the paper does not."""
    return evidence.pair[0] in ("real", "mixed")


def title_of(evidence: Evidence) -> Words:
    """The title of the page."""
    if not is_real(evidence):
        return _TITLE
    stage = "kept" if evidence.study.get("kept") else str(evidence.study["pretraining"]["stage"])
    origin = _FROM.get(stage, _FROM["given"])
    return Words(f"{_REAL.en}, {origin.en}", f"{_REAL.zh}（{origin.zh}）")


def about(evidence: Evidence) -> About:
    """Banners, first weights and provenance."""
    study, trials = evidence.study, evidence.study["trials"]
    banners: list[Text] = []
    if study["preset"] != "paper":
        banners.append(_size(study))
    if not study["finished"]:
        failed = trials.get("failed", 0)
        banners.append(
            Words(
                f"Not finished: {trials['done']} of {trials['all']} trials, {failed} failed. Every number below is of these alone.",
                f"尚未完成：{trials['all']}项试验完成{trials['done']}项，失败{failed}项。以下数值仅来自已完成者。",
            )
        )
    real = is_real(evidence)
    origin = _kept(study, real) or _pretraining(study["pretraining"], real)
    lead = Words(f"First weights: {origin.en}", f"初始权重：{origin.zh}")
    return About(
        lead=lead,
        made_up=evidence.made_up,
        banners=tuple(banners),
        provenance=_provenance(evidence, real),
    )


def _size(study: Mapping[str, Any]) -> Words:
    """What the preset is and is not: in today's words where its design is the same, else in those of its start."""
    known = PRESETS.get(str(study["preset"]))
    if known is not None and known.fingerprint == study.get("preset_fingerprint"):
        return Words(known.about, known.about_zh)
    return Words(study["about"], study["about_zh"])


def _kept(study: Mapping[str, Any], real: bool) -> Words | None:
    """Whose backbone stands below the networks, where they see kept features."""
    model = study.get("seen_by")
    if not study.get("kept") or not model:
        return None
    which = _model(model)
    words = Words(
        f"the backbone of {which.en}, which stays as it is; a shared layer and the heads above it begin anew in every training.",
        f"{which.zh}的骨干网络，保持不变；其上的共享层与输出层每次训练均从头开始。",
    )
    if real:
        return words
    return Words(
        f"{words.en} Where that model has learned the same questions on other films, its features serve both already. The paper began with "
        "ChestX-ray14 and moved its backbone; the numbers are not comparable in this respect.",
        f"{words.zh}若该模型曾用其他胸片学习过相同问题，其特征已同时适用于两者。论文以ChestX-ray14预训练并更新骨干网络，故此方面不可比。",
    )


def _model(model: Mapping[str, str]) -> Words:
    """A model by its name and weights; a bundle that is called after its folder alone has no name of its own."""
    sha = f"SHA-256 {model['sha256'][:12]}"
    if model["model"] in ("", "bundle"):
        return Words(f"a konio model ({sha})", f"konio模型（{sha}）")
    return Words(f"{model['model']} ({sha})", f"{model['model']}（{sha}）")


def _pretraining(stage: Mapping[str, Any], real: bool) -> Words:
    if stage["stage"] == "skipped" and real:
        return Words("none; nothing was learned before.", "无，未经预训练。")
    if stage["stage"] == "skipped":
        return Words(
            "none (the paper began with ChestX-ray14; the numbers are not comparable in this respect).",
            "无（论文以ChestX-ray14预训练，故此方面不可比）。",
        )
    origin, file = (str(stage.get(key) or "") for key in ("origin", "file"))
    which = _ORIGINS.get(origin, Words(origin, origin))
    how = {
        "given": Words(f"given, {which.en}", f"外部提供，{which.zh}"),
        "made": Words("made by this study", "本研究预训练"),
    }.get(str(stage["stage"]), which)
    if not file:
        return Words(f"{how.en}.", f"{how.zh}。")
    sha = f"SHA-256 {str(stage.get('sha256') or '')[:12]}"
    return Words(f"{how.en} (file {file}, {sha}).", f"{how.zh}（文件{file}，{sha}）。")


def _provenance(evidence: Evidence, real: bool) -> tuple[tuple[Text, Text], ...]:
    study, cohort = evidence.study, evidence.study["cohort"]
    refused = len(cohort.get("refused") or {})
    trials = study["trials"]
    failed = trials.get("failed", 0)
    name = str(cohort["name"])
    name_zh = f"{cohort['films']}名虚构患者" if name.endswith("made-up patients") else name
    rows: list[tuple[Text, Text]] = [
        (Words("preset", "预设"), str(study["preset"])),
        (
            Words("cohort", "队列"),
            Words(
                f"{name}: {cohort['films']} films, {cohort['patients']} patients",
                f"{name_zh}：{cohort['films']}张胸片，{cohort['patients']}名患者",
            ),
        ),
        (Words("labels", "标签"), _labels(cohort.get("counts", {}))),
        (Words("refused films", "被拒绝的胸片"), str(refused)),
        (
            Words("fingerprint of the cohort", "队列指纹"),
            str(study.get("cohort_fingerprint", "")),
        ),
        (Words("fingerprint of the study", "研究指纹"), str(study["fingerprint"])),
        (
            Words("trials", "试验"),
            Words(
                f"{trials['done']} of {trials['all']}, {failed} failed",
                f"共{trials['all']}项，完成{trials['done']}项，失败{failed}项",
            ),
        ),
        (Words("chosen drop-out", "选定丢弃率"), _chosen(evidence)),
    ]
    if not real:
        rows.append((Words("printed numbers", "论文数值出处"), read("multitask").source))
    return tuple(rows)


def _labels(counts: Mapping[str, Mapping[str, int]]) -> Words:
    """How many films have which label; classes that no film has are left out."""
    both: list[Words] = []
    for task, own in counts.items():
        known = {name: number for name, number in own.items() if number}
        if not known:
            continue
        answers = {a.name: a for a in RADIOGRAPH_TASKS[task].answers}
        question = _QUESTIONS[task]
        english = ", ".join(f"{name} {number}" for name, number in known.items())
        chinese = "，".join(f"{answers[name].zh} {number}" for name, number in known.items())
        both.append(Words(f"{question.en}: {english}", f"{question.zh}：{chinese}"))
    return Words("; ".join(own.en for own in both), "；".join(own.zh for own in both))


def _chosen(evidence: Evidence) -> Text:
    known = evidence.study.get("chosen") or {}
    if not known:
        return "–"
    names = [_group(str(name)) for name in known]
    rates = [f"{rate:.2f}" for rate in known.values()]
    return Words(
        ", ".join(f"{name.en} {rate}" for name, rate in zip(names, rates, strict=True)),
        "，".join(f"{name.zh} {rate}" for name, rate in zip(names, rates, strict=True)),
    )


def _group(name: str) -> Words:
    """How a group of networks is called: ``single-stage`` is the single-task network of the stage."""
    method, _, task = name.partition("-")
    known, question = METHODS.get(method), _QUESTIONS.get(task)
    if known is None:
        return Words(name, name)
    if question is None:
        return known
    return Words(f"{known.en}, {question.en}", f"{known.zh}（{question.zh}）")
