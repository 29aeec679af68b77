"""What stands in brackets in a refusal, in Chinese beside the English of `konio.errors.RefusedError.detail`.

Details are written where something is refused, in English and with the numbers that were found. Here they are
patterns: ``{}`` stands for what was found and is kept as it is.
"""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType
from typing import Final

#: Every detail, English to Chinese. The first pattern that fits counts, so that the longer ones stand first.
DETAILS: Final = MappingProxyType(
    {
        # files
        "by its first bytes": "依据文件开头的字节",
        "a slice of a CT series is a DICOM file": "CT 序列的切片应为 DICOM 文件",
        "not a regular file": "不是普通文件",
        "not a valid path": "路径无效",
        "Permission denied": "没有权限",
        "Is a directory": "是文件夹",
        "a file of {} MiB": "文件大小 {} MiB",
        "{} of {} compressed bytes": "压缩数据 {} / {} 字节",
        "{} of {} bytes": "{} / {} 字节",
        "{} bytes inflated": "仅解压出 {} 字节",
        "memory": "内存",
        "its process died {} times": "其进程 {} 次异常终止",
        "an unexpected {}": "意外错误 {}",
        "the decoder ended with {}": "解码进程异常结束：{}",
        "the decoder gave an impossible size": "解码结果尺寸不合理",
        # archives
        "a ZIP that grows to {} MiB": "ZIP 解压后达 {} MiB",
        "a ZIP of {} files": "ZIP 含 {} 个文件",
        "a ZIP with a password": "ZIP 有密码",
        "a ZIP whose members overlap": "ZIP 内文件相互重叠",
        "a ZIP member larger than its directory says": "ZIP 内文件大于目录所述",
        "a ZIP inside a ZIP": "ZIP 内含 ZIP",
        "a ZIP: {}": "ZIP 文件：{}",
        "a member of a ZIP: {}": "ZIP 内文件：{}",
        # headers
        "inside the header": "文件头未完",
        "no element after the preamble": "前导码之后没有数据元素",
        "{} while reading it": "读取时出现 {}",
        "it is a DICOMDIR": "是 DICOMDIR",
        "no modality": "未注明检查类型",
        "no valid transfer syntax": "传输语法无效",
        "transfer syntax {}": "传输语法 {}",
        "{} is missing or no whole number": "{} 缺失或不是整数",
        "{} is missing or no number": "{} 缺失或不是数字",
        "{} is missing": "{} 缺失",
        "{} does not hold {} numbers": "{} 未含 {} 个数字",
        "{} is no whole number": "{} 不是整数",
        "{} with {} samples per pixel": "{}，每像素 {} 个样本",
        "{} bits stored up to bit {} of {} allocated": "存储 {} 位，最高位 {}，分配 {} 位",
        "the {} picture is {}, the header says {}": "{} 图像为 {}，文件头声明 {}",
        "compressed pixels without items": "压缩像素没有数据项",
        "the compressed picture has no bytes": "压缩图像没有数据",
        "a look-up table without entries": "查找表没有条目",
        "a look-up table without a valid descriptor": "查找表描述无效",
        "{} of {} entries of a look-up table": "查找表仅有 {} / {} 条",
        "window width {}": "窗宽 {}",
        "rescale slope {}": "斜率 {}",
        "VOI function {}": "VOI 函数 {}",
        # what the picture is
        "modality missing and no body part CHEST": "未注明检查类型，部位也未注明为胸部",
        "modality {} and no body part CHEST": "检查类型 {}，部位未注明为胸部",
        "modality {}": "检查类型 {}",
        "its modality is another value": "检查类型为其他值",
        "its modality is {}": "检查类型为 {}",
        "its body part is another value": "检查部位为其他值",
        "its body part is {}": "检查部位为 {}",
        "its anatomic region is not the chest": "解剖部位不是胸部",
        "its view position is {}": "投照体位为 {}",
        "its view code is not postero-anterior": "体位代码不是后前位",
        "its patient orientation is {}": "患者方位为 {}",
        "patient orientation {}: stored mirrored or turned": "患者方位 {}：存储时已镜像或旋转",
        "its pixels are {}": "像素类型为 {}",
        "a coloured picture": "彩色图像",
        "a picture of {} shades": "仅 {} 种灰度",
        "a {} picture": "{} 图像",
        "a {} volume": "{} 体数据",
        "a volume of {} voxels": "体数据 {}",
        "{} x {} pixels": "{} × {} 像素",
        "brightness {} to {}": "亮度 {} 至 {}",
        "chest pattern {}, turned over {}": "胸部图形相关系数 {}，旋转后为 {}",
        "chest pattern {}": "胸部图形相关系数 {}",
        "{} pictures": "{} 幅图像",
        "{} frames in one file": "单个文件含 {} 帧",
        "{} frames": "{} 帧",
        "{}: its header": "{}：文件头",
        # lungs
        "one side or both show no lung": "一侧或双侧未见肺野",
        "one lung is missing or out of proportion to the film: {} {}, plausible is {} to {}": "一侧肺缺失或大小不合比例：{1}，合理范围 {2} 至 {3}",
        "a lung is out of proportion to the film: {} {}, plausible is {} to {}": "肺野大小不合比例：{1}，合理范围 {2} 至 {3}",
        "one side is far larger than the other: {} {}, plausible is {} to {}": "两侧大小相差过大：{1}，合理范围 {2} 至 {3}",
        "the two sides do not lie beside each other: {} {}, plausible is {} to {}": "两侧不在同一高度：{1}，合理范围 {2} 至 {3}",
        "the two sides are too close or too far apart: {} {}, plausible is {} to {}": "两侧距离过近或过远：{1}，合理范围 {2} 至 {3}",
        "their shape is not that of lungs seen from the front: {} {}, plausible is {} to {}": "形状不是正位肺野：{1}，合理范围 {2} 至 {3}",
        "their outline is torn: {} {}, plausible is {} to {}": "轮廓破碎：{1}，合理范围 {2} 至 {3}",
        "nothing in the picture looks clearly like lung: {} {}, plausible is {} to {}": "图像中没有明确的肺野：{1}，合理范围 {2} 至 {3}",
        "the picture is lung-like in too many places: {} {}, plausible is {} to {}": "图像中过多区域似肺野：{1}，合理范围 {2} 至 {3}",
        # scans
        "{} files of 1 series": "1 个序列，{} 个文件",
        "{} files of {} series": "{} 个文件，{} 个序列",
        "it is no radiograph": "不是胸片",
        "no CT slice in the folder": "文件夹中没有 CT 切片",
        "no series of that name in the folder": "文件夹中没有该序列",
        "only localizers": "只有定位像",
        "one slice only": "只有一个切片",
        "some lie closer together than the others": "部分切片间距较小",
        "up to {} mm off": "最大偏离 {} mm",
        "at {} mm": "位于 {} mm",
        "{} mm": "{} mm",
        "slices of different size in one series": "同一序列的切片尺寸不同",
        "{} of {} slices": "{} / {} 个切片",
        "{} of {} needed": "所需 {1} 个中缺 {0} 个",
        "part of the cube lies outside the scan": "立方体部分超出扫描范围",
        "no part of the cube": "立方体完全在扫描之外",
        "ImageOrientationPatient holds no two axes at right angles": "ImageOrientationPatient 的两轴不垂直",
        "the directions of the axes are no unit vectors in space": "坐标轴方向不是单位向量",
        "position or spacing of the voxels is no number above 0": "体素位置或间距不是正数",
        "its voxels hold several values": "体素含多个值",
        "ElementDataFile is no plain file name": "ElementDataFile 不是单纯的文件名",
        "it names no ElementDataFile": "未指明 ElementDataFile",
        "NDims is not 3": "NDims 不是 3",
        "ElementType is not one of {}": "ElementType 不在 {} 之列",
        "{} does not lie beside it": "{} 不在同一文件夹",
        "no valid zlib stream": "zlib 数据无效",
    }
)  # fmt: skip


def detail_zh(detail: str) -> str:
    """A detail in Chinese; one that is not known stays as it is.

    Examples:
        >>> detail_zh("its modality is CT"), detail_zh("12 of 400 bytes")
        ('检查类型为 CT', '12 / 400 字节')
        >>> detail_zh("something else")
        'something else'
    """
    for pattern, chinese in _patterns():
        found = pattern.fullmatch(detail)
        if found:
            return chinese.format(*found.groups())
    return detail


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile("(.+?)".join(map(re.escape, english.split("{}")))), chinese)
        for english, chinese in DETAILS.items()
    )
