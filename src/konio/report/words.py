"""Every word that a page says, in English and Chinese: one table, so that no language lags behind."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple

from konio.tasks import Task, zone_words


class Words(NamedTuple):
    """The same text in both languages."""

    en: str
    zh: str


#: Text of pages by key.
WORDS: Final = MappingProxyType(
    {
        "title": Words("Assessment of a chest radiograph", "胸片评估"),
        "skip": Words("Skip to the results", "跳到结果"),
        "print": Words("Print", "打印"),
        "language": Words("Language", "语言"),
        "film": Words("Film", "胸片"),
        "explain": Words("Show what moved the answer to", "显示影响以下回答的区域"),
        "off": Words("nothing: the film alone", "不显示，仅看胸片"),
        "opacity": Words("Opacity of the colours", "颜色不透明度"),
        "outlines": Words("Six lung zones", "六个肺区"),
        "boxes": Words("Boxes of evidence", "证据框"),
        "brightness": Words("Brightness", "亮度"),
        "contrast": Words("Contrast", "对比度"),
        "zoom-in": Words("Zoom in", "放大"),
        "zoom-out": Words("Zoom out", "缩小"),
        "reset": Words("Film as stored", "恢复原样"),
        "keys": Words(
            "Keyboard on the film: + and − zoom, arrows move, 0 shows the whole film, Z zones, B boxes.",
            "键盘：+ / − 缩放，方向键移动，0 显示全片，Z 肺区，B 证据框。",
        ),
        "heat-caution": Words(
            "Colours show what moved the network (HiResCAM), not where disease is.",
            "颜色表示影响网络判断的区域（HiResCAM），并非病变位置。",
        ),
        "in-lungs": Words("of the colours lie inside the lungs", "的着色位于肺野内"),
        "lungs-alone": Words(
            "This answer is made from the lungs alone, and the map ends at their border.",
            "本项判断仅依据肺野，热图止于肺野边缘。",
        ),
        "outside-lungs": Words(
            "most of what moved the network lies outside the lungs. Find a reason on the film before relying on this.",
            "影响网络判断的区域多在肺野之外，须在片上另有依据方可采信。",
        ),
        "side-right": Words("R", "右"),
        "side-left": Words("L", "左"),
        "answers": Words("Answers", "回答"),
        "stage-by-network": Words("Stage, answered by the network", "网络直接判断的期别"),
        "stage-by-rule": Words(
            "Stage, by GBZ 70-2015 from the zones", "由肺区按 GBZ 70-2015 推定的期别"
        ),
        "not-answered": Words("not answered", "未回答"),
        "agree": Words("The network and the standard agree.", "网络判断与标准推定一致。"),
        "disagree": Words(
            "The network's own stage and the stage that follows from the zones differ. Look at the zones first.",
            "网络直接判断的期别与由肺区推定的期别不一致，请先核对各肺区。",
        ),
        "probability": Words("calibrated probability", "校准后概率"),
        "probability-raw": Words("probability, not calibrated", "概率（未校准）"),
        "expected": Words("mean grade", "平均等级"),
        "zones": Words("Profusion of small opacities in the six zones", "六个肺区的小阴影密集度"),
        "zones-note": Words(
            "As one looks at the film: the patient's right is on the left. Each grade with its probability.",
            "按阅片方向排列：患者右侧在左。每个等级附其概率。",
        ),
        "zones-doubtful": Words(
            "The most probable answer is tuberculosis: zone grades were learned from films without tuberculosis, "
            "so that its shadows may be graded here as if they were opacities of dust. Do not rely on these grades.",
            "最可能的回答为肺结核：肺区密集度由不含结核的胸片学得，结核阴影可能在此被误计为尘肺小阴影，这些等级不可采信。",
        ),
        "rule": Words("What the standard says", "标准的结论"),
        "clause": Words("clause", "条款"),
        "literal": Words("follows from the wording", "直接依据条文"),
        "interpretation": Words(
            "by interpretation: the wording assigns no stage to these zones",
            "按惯例解释：条文未对该组合规定期别",
        ),
        "history": Words(
            "Any diagnosis needs a reliable history of dust exposure (A.1), which konio does not know, "
            "and as a rule two films more than half a year apart (A.2).",
            "诊断须有可靠的粉尘接触史（A.1），本软件无从得知；原则上需两张以上间隔半年以上的胸片（A.2）。",
        ),
        "one-change": Words("One change away", "仅差一项即改变期别"),
        "one-change-none": Words(
            "No single change of the findings (one grade of one zone, aggregation, large opacities) would alter the stage.",
            "任何单项变动（某一肺区一个等级、小阴影聚集、大阴影）均不改变期别。",
        ),
        "more": Words("more", "其余"),
        "withheld": Words("What was not assessed, and why", "未评估的内容及原因"),
        "regions": Words("Where the evidence lies", "证据所在"),
        "region-task": Words("question", "问题"),
        "region-zone": Words("zone", "肺区"),
        "region-share": Words("share", "证据占比"),
        "region-box": Words(
            "box in pixels: top, left, bottom, right", "框：上、左、下、右（像素）"
        ),
        "outside": Words("outside the lungs", "肺野外"),
        "quality": Words("The film", "胸片情况"),
        "file": Words("file", "文件"),
        "size": Words("stored size", "存储尺寸"),
        "spacing": Words("pixel spacing", "像素间距"),
        "spacing-unknown": Words("unknown: sizes in mm cannot be given", "未知：无法给出毫米尺寸"),
        "model-spacing": Words("what the network saw", "网络所见"),
        "shown": Words("shown here", "此处显示"),
        "shown-note": Words(
            "grey levels as the header asks, 8 bit, lossless; not for primary reading",
            "按文件头规定的灰度，8 位，无损；不用于首诊阅片",
        ),
        "margin": Words("narrowest margin at the edge", "距胶片边缘最小距离"),
        "rotation": Words("turn of the body", "体位旋转"),
        "inspiration": Words("height of the lungs to width of the chest", "肺野高度与胸廓宽度之比"),
        "lung_contrast": Words("contrast inside the lungs", "肺野内对比度"),
        "mediastinum_contrast": Words("mediastinum against lungs", "纵隔与肺野亮度差"),
        "clipped": Words("clipped part of the lungs", "肺野截断比例"),
        "sharpness": Words("sharpness", "清晰度"),
        "remarks": Words("remarks", "提示"),
        "notes": Words("notes", "备注"),
        "provenance": Words("Where this comes from", "来源"),
        "model": Words("model", "模型"),
        "weights": Words("SHA-256 of the weights", "权重 SHA-256"),
        "film-hash": Words("SHA-256 of the film", "胸片 SHA-256"),
        "version": Words("konio version", "konio 版本"),
        "precision": Words("arithmetic", "运算精度"),
        "cohort": Words("trained on", "训练数据"),
        "metrics": Words("measured on held-out films", "在留出胸片上的测量"),
        "made-up": Words("made-up patients (computed phantoms)", "合成患者（计算机体模）"),
        "held-out": Words(
            "On the {number}films of the same cohort that no weight was learned from; they steer the training and its "
            "calibration, so that films of another origin will fare worse.",
            "在同一队列中未用于学习权重的{number}胸片上测得；这些胸片用于控制训练和校准，其他来源胸片的结果会较差。",
        ),
        "made": Words("assessed at", "评估时间"),
        "no-claim": Words(
            "Trained on made-up patients (computed phantoms). No clinical claim: how well it reads real films is unknown.",
            "以合成患者（计算机体模）训练，无临床声明：对真实胸片的判读能力未知。",
        ),
        "no-claim-own": Words(
            "No clinical claim: konio knows of no clinical validation of this model.",
            "无临床声明：本软件不掌握该模型的任何临床验证。",
        ),
        "condition": Words(
            "The most probable answer is another: the stage holds only if this is a film of a dust-exposed person.",
            "最可能的回答并非接尘：仅当患者确为接尘者时期别才成立。",
        ),
        "synthetic": Words(
            "This film is synthetic: a made-up patient, not a person.",
            "本片为合成影像：虚构患者，非真人。",
        ),
        "index-title": Words("Assessed films", "评估列表"),
        "assessed": Words("assessed", "已评估"),
        "refused": Words("refused", "已拒绝"),
        "unwritten": Words("could not be written", "无法写入"),
        "films": Words("films", "张"),
        "differential": Words("Differential", "鉴别"),
        "stage": Words("Stage", "期别"),
        "large_opacity": Words("Large opacity", "大阴影"),
        "aggregation": Words("Aggregation", "小阴影聚集"),
        "stage_by_rule": Words("Stage by the standard", "按标准推定的期别"),
        "pleural_plaque": Words("Pleural plaques, asbestos", "胸膜斑、石棉"),
        "opacity_type": Words("Type and size of opacities", "阴影类型与大小"),
        "film_grade": Words("Grade of the film", "胸片质量等级"),
        "duplicate_of": Words("the same bytes as", "内容相同的文件"),
        "by-zones": Words("By the zones", "由肺区"),
        "reason": Words("Reason", "原因"),
        "code": Words("Code", "代码"),
        "open": Words("open", "打开"),
        "filter": Words("Find a film", "查找胸片"),
        "refusals": Words("Refused inputs", "被拒绝的输入"),
        "refusals-note": Words(
            "A refused input was not looked at by the network; nothing is guessed.",
            "被拒绝的输入未经网络判读，不作任何猜测。",
        ),
        "none": Words("none", "无"),
    }
)


def percent(value: float) -> str:
    """A probability as people read it.

    Examples:
        >>> percent(0.973), percent(1.0), percent(0.0)
        ('97 %', '> 99 %', '< 1 %')
    """
    if value > 0.99:
        return "> 99 %"
    if value < 0.01:
        return "< 1 %"
    return f"{100 * value:.0f} %"


def answer_words(task: Task, name: str) -> Words:
    """A class in both languages."""
    answer = task.answer(name)
    return Words(answer.en, answer.zh)


def question_words(task: Task) -> Words:
    """A question in both languages."""
    return Words(task.en, task.zh)


def short_question(task: Task) -> Words:
    """A question in a word or two."""
    if task.zone:
        return Words(f"Zone {task.zone.upper()}", zone_words(task.zone).zh)
    return WORDS.get(task.name, question_words(task))
