"""Words of the printed report in both languages: one table, so that no language lags behind."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from konio.report.words import Words

#: By key.
REPORT_WORDS: Final = MappingProxyType(
    {
        "title": Words("Reading of a chest radiograph", "胸部X线片阅片报告"),
        "patient": Words("Patient and film", "患者与胸片"),
        "patient-id": Words("Patient ID", "患者编号"),
        "patient-name": Words("Name", "姓名"),
        "sex": Words("Sex", "性别"),
        "born": Words("Born", "出生日期"),
        "study-date": Words("Date of the film", "摄片日期"),
        "received": Words("Received", "接收时间"),
        "file": Words("File", "文件"),
        "film-hash": Words("SHA-256 of the film", "胸片 SHA-256"),
        "spacing": Words("Pixel spacing", "像素间距"),
        "reading": Words("Reading by", "阅片者"),
        "signed": Words("Signed", "签署时间"),
        "version": Words("Version", "版本"),
        "before": Words("before the machine's answer was shown", "在查看机器结果之前"),
        "after": Words("after the machine's answer was shown", "在查看机器结果之后"),
        "amended": Words("Amended because", "修改原因"),
        "conclusion": Words("Conclusion", "结论"),
        "override": Words("Stage set by the reader against the clause", "阅片者另定期别"),
        "zones": Words("Profusion of small opacities", "小阴影密集度"),
        "right": Words("right", "右"),
        "left": Words("left", "左"),
        "upper": Words("upper", "上"),
        "middle": Words("middle", "中"),
        "lower": Words("lower", "下"),
        "shape": Words("Shape of small opacities", "小阴影形态"),
        "large": Words("Large opacities", "大阴影"),
        "aggregation": Words("Aggregation", "小阴影聚集"),
        "present": Words("present", "有"),
        "none": Words("none", "无"),
        "pleura": Words("Pleura", "胸膜"),
        "plaque": Words("plaque", "胸膜斑"),
        "thickening": Words("thickening", "增厚"),
        "calcification": Words("calcification", "钙化"),
        "effusion": Words("effusion", "积液"),
        "costophrenic": Words("costophrenic angle blunted", "肋膈角变钝"),
        "asbestos": Words("Exposed to asbestos", "石棉接触史"),
        "yes": Words("yes", "是"),
        "symbols": Words("Additional symbols", "附加代号"),
        "grade": Words("Quality of the film", "胸片质量"),
        "comment": Words("Remarks", "备注"),
        "machine": Words("Machine's answer, for comparison only", "机器结果（仅供对照）"),
        "not-assessed": Words("This film was not assessed by a model.", "该片未经模型评估。"),
        "withheld": Words("Not assessed", "未评估"),
        "consensus": Words("Readers together", "多名阅片者"),
        "agreed": Words("two readers agree", "两名阅片者一致"),
        "settled": Words("median of three readers", "三名阅片者取中位数"),
        "needs-second": Words("a second reader is missing", "尚需第二名阅片者"),
        "needs-third": Words("two readers differ; a third is needed", "两名阅片者不一致，需第三名"),
        "needs-first": Words("no reading counts yet", "尚无可计入的阅片"),
        "limits": Words("Before a diagnosis", "诊断之前"),
        "signature": Words("Signature", "签名"),
        "printed": Words("Printed", "打印时间"),
        "no-reading": Words(
            "There is no signed reading of this account.", "本账户尚无已签署的阅片。"
        ),
        "reading-hash": Words("SHA-256 of the reading", "阅片 SHA-256"),
        "model": Words("Model", "模型"),
        "heat": Words(
            "Colours show what moved the network, not where disease is.",
            "颜色表示影响网络判断的区域，并非病变位置。",
        ),
        "no-claim": Words(
            "No clinical validation of this model is known here.",
            "本系统不掌握该模型的任何临床验证。",
        ),
        "synthetic": Words(
            "Synthetic film: a made-up patient, not a person.", "合成影像：虚构患者，非真人。"
        ),
    }
)
