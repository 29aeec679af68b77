from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom.dataset import Dataset

from konio.errors import RefusedError
from konio.io.dicom import read_dicom
from konio.io.header import admit, spacing_mm
from konio.io.notes import FILM_NOTES, notes_zh
from konio.io.raster import read_jpeg

NAMED = "ZHANG^SAN 330106195001011234"


# pydicom warns when odd values are set; reading them is what is tested
pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR", "ignore:The value length")


def header(**elements):
    dataset = Dataset()
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "PA"
    for keyword, content in elements.items():
        setattr(dataset, keyword, content)
    return dataset


def code_item(value, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SRT", meaning
    return item


ADMITTED = [
    {},
    {"Modality": "CR"},
    {"Modality": "RG"},
    {"Modality": "OT"},
    {"Modality": ""},
    {"BodyPartExamined": "THORAX"},
    {"BodyPartExamined": "Lung"},
    {"BodyPartExamined": "胸部"},
    {"BodyPartExamined": ""},
    {"ViewPosition": ""},
    {"ViewPosition": "P-A"},
    {"PatientOrientation": ["L", "F"]},
    {"PatientOrientation": ["LH", "FP"]},
    {"PatientOrientation": ""},
    {"NumberOfFrames": 1},
    {"ViewPosition": "", "ViewCodeSequence": [code_item("R-10214", "postero-anterior")]},
    {"BodyPartExamined": "", "AnatomicRegionSequence": [code_item("T-D3000", "Chest")]},
    {"Modality": "OT", "BodyPartExamined": "", "StudyDescription": "Chest PA"},
]
REFUSED = [
    ("not-radiograph", {"Modality": "CT"}),
    ("not-radiograph", {"Modality": "MR"}),
    ("not-radiograph", {"Modality": "US"}),
    ("not-radiograph", {"Modality": "MG"}),
    ("not-radiograph", {"Modality": "OT", "BodyPartExamined": ""}),
    ("not-radiograph", {"Modality": "", "BodyPartExamined": ""}),
    ("not-radiograph", {"BodyPartExamined": "HAND"}),
    ("not-radiograph", {"BodyPartExamined": "ABDOMEN"}),
    ("not-radiograph", {"BodyPartExamined": "TSPINE"}),
    ("not-radiograph", {"BodyPartExamined": "CHESTABDOMEN"}),
    ("not-radiograph", {"BodyPartExamined": "", "AnatomicRegionSequence": [code_item("T-D8810", "Foot")]}),
    ("wrong-view", {"ViewPosition": "AP"}),
    ("wrong-view", {"ViewPosition": "LL"}),
    ("wrong-view", {"ViewPosition": "RL"}),
    ("wrong-view", {"ViewPosition": "Lateral"}),
    ("wrong-view", {"ViewPosition": "RLO"}),
    ("wrong-view", {"ViewPosition": "LPO"}),
    ("wrong-view", {"ViewPosition": "LORDOTIC"}),
    ("wrong-view", {"ViewPosition": "", "ViewCodeSequence": [code_item("R-10206", "antero-posterior")]}),
    ("wrong-view", {"PatientOrientation": ["A", "F"]}),
    ("wrong-view", {"PatientOrientation": ["P", "F"]}),
    ("wrong-view", {"PatientOrientation": ["R", "F"]}),
    ("wrong-view", {"PatientOrientation": ["L", "H"]}),
    ("wrong-view", {"PatientOrientation": ["F", "L"]}),
    ("several-frames", {"NumberOfFrames": 2}),
]  # fmt: skip


@pytest.mark.parametrize("elements", ADMITTED)
def test_posterior_anterior_chest_films_are_admitted(elements):
    admit(header(**elements))


@pytest.mark.parametrize(("code", "elements"), REFUSED)
def test_everything_else_is_refused(code, elements):
    with pytest.raises(RefusedError) as refused:
        admit(header(**elements))
    assert refused.value.code == code


def test_what_the_header_leaves_open_is_noted():
    assert admit(header()) == ()
    assert admit(header(BodyPartExamined="", ViewPosition="")) == (
        "body part not stated",
        "view not stated",
    )


SPACINGS = [
    ({}, None),
    ({"PixelSpacing": [0.2, 0.1]}, (0.2, 0.1)),
    ({"ImagerPixelSpacing": [0.2, 0.1]}, (0.2, 0.1)),
    ({"ImagerPixelSpacing": [0.22, 0.11], "EstimatedRadiographicMagnificationFactor": 1.1}, (0.2, 0.1)),
    ({"ImagerPixelSpacing": [0.22, 0.11], "EstimatedRadiographicMagnificationFactor": 0}, (0.22, 0.11)),
    ({"ImagerPixelSpacing": [0.22, 0.22], "PixelSpacing": [0.2, 0.2]}, (0.2, 0.2)),
    (
        {"ImagerPixelSpacing": [0.22, 0.22], "PixelSpacing": [0.22, 0.22], "EstimatedRadiographicMagnificationFactor": 1.1},
        (0.2, 0.2),
    ),
    ({"NominalScannedPixelSpacing": [0.3, 0.3]}, (0.3, 0.3)),
    ({"PixelSpacing": [0.0, 0.0]}, None),
    ({"PixelSpacing": [-0.2, 0.2]}, None),
    ({"PixelSpacing": [0.2]}, None),
]  # fmt: skip


@pytest.mark.parametrize(("elements", "expected"), SPACINGS)
def test_spacing_is_that_in_the_patient(elements, expected):
    found = spacing_mm(header(**elements))
    assert found == (None if expected is None else pytest.approx(expected))


BROKEN = [
    ({"Rows": None}, "bad-header"),
    ({"Rows": 0}, "bad-header"),
    ({"Rows": 127}, "too-small"),
    ({"Rows": 65535, "Columns": 65535}, "too-large"),
    ({"Rows": 5000}, "bad-header"),
    ({"BitsAllocated": None}, "bad-header"),
    ({"BitsAllocated": 32}, "bad-header"),
    ({"BitsStored": 17}, "bad-header"),
    ({"HighBit": 3}, "bad-header"),
    ({"PhotometricInterpretation": None}, "bad-header"),
    ({"PhotometricInterpretation": "PALETTE COLOR"}, "not-radiograph"),
    ({"PhotometricInterpretation": "RGB"}, "bad-header"),
    ({"SamplesPerPixel": 3}, "bad-header"),
    ({"WindowCenter": 100, "WindowWidth": 0}, "bad-header"),
    ({"WindowCenter": 100, "WindowWidth": 9, "VOILUTFunction": "SPLINE"}, "bad-header"),
    ({"RescaleSlope": 0, "RescaleIntercept": 0}, "bad-header"),
    ({"PixelData": None}, "no-pixels"),
    ({"ModalityLUTSequence": [Dataset()]}, "bad-header"),
]


@pytest.mark.parametrize(("elements", "code"), BROKEN)
def test_headers_that_contradict_themselves_are_refused(dicom, chest, elements, code):
    words = (chest() * 4095).astype(np.uint16)
    with pytest.raises(RefusedError) as refused:
        read_dicom(dicom(words, bits=12, **elements))
    assert refused.value.code == code


def test_a_look_up_table_shorter_than_declared_is_refused(dicom, chest):
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 16])
    item.add_new("LUTData", "US", list(range(100)))
    with pytest.raises(RefusedError, match="100 of 4096"):
        read_dicom(dicom((chest() * 4095).astype(np.uint16), bits=12, VOILUTSequence=[item]))


def test_remarks_tell_what_a_reader_should_know(dicom, chest):
    words = (chest() * 4095).astype(np.uint16)
    told = {
        "ImageComments": "SYNTHETIC IMAGE", "LossyImageCompression": "01", "BurnedInAnnotation": "YES",
        "PresentationLUTShape": "INVERSE",
    }  # fmt: skip
    notes = set(read_dicom(dicom(words, bits=12, **told)).notes)
    assert {"synthetic", "lossy compression", "burnt-in annotation", "spacing unknown"} < notes
    assert any("contradicts" in note for note in notes)
    assert not any("contradicts" in n for n in read_dicom(dicom(words, bits=12)).notes)


def test_every_note_of_a_film_has_its_chinese(dicom, chest):
    """The table holds what the readers say, and nothing else."""
    words = (chest() * 4095).astype(np.uint16)
    told = {
        "ImageComments": "SYNTHETIC IMAGE", "LossyImageCompression": "01", "BurnedInAnnotation": "YES",
        "PresentationLUTShape": "INVERSE", "ViewPosition": "", "BodyPartExamined": "",
    }  # fmt: skip
    turned = Pillow.Exif()
    turned[0x0112] = 6
    jpeg = io.BytesIO()
    Pillow.fromarray((chest() * 255).astype(np.uint8)).save(jpeg, "JPEG", exif=turned)
    notes = {*read_dicom(dicom(words, bits=12, **told)).notes, *read_jpeg(jpeg.getvalue()).notes}
    assert notes == set(FILM_NOTES)
    assert all(re.search(r"[\u4e00-\u9fff]", chinese) for chinese in FILM_NOTES.values())
    assert notes_zh(["view not stated", "something new"]) == [
        "文件头未注明投照体位",
        "something new",
    ]


@pytest.mark.parametrize(
    "keyword",
    ["Modality", "BodyPartExamined", "ViewPosition", "PhotometricInterpretation", "VOILUTFunction"],
)
def test_no_refusal_repeats_what_may_name_a_patient(dicom, chest, keyword, recwarn):
    elements = {
        keyword: NAMED,
        "WindowCenter": 9,
        "WindowWidth": 9,
        "PatientName": NAMED,
        "PatientID": NAMED,
    }
    words = (chest() * 4095).astype(np.uint16)
    try:
        notes = " ".join(read_dicom(dicom(words, bits=12, **elements)).notes)
    except RefusedError as refused:
        notes = str(refused) + refused.reason_zh
    except UserWarning:
        pytest.skip("pydicom does not write such a value")
    assert "ZHANG" not in notes
    assert "33010" not in notes


def test_the_patient_id_is_kept_in_the_record_only(dicom, chest):
    stored = read_dicom(dicom((chest() * 4095).astype(np.uint16), bits=12, PatientID="P-17"))
    assert stored.patient_id == "P-17"
    assert "P-17" not in " ".join(stored.notes)
