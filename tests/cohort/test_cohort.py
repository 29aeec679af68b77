"""cohort.csv: what people save is read, what is wrong is named, what is written is read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konio.cohort import Cohort, fingerprint, read_cohort, write_cohort
from konio.cohort.cohort import covariate_values
from konio.errors import CohortError, OutputError
from konio.records import Case
from konio.tasks import MISSING, PROFUSIONS, RADIOGRAPH_TASKS, ZONES

HEADER = "path,patient_id,differential,stage,zone_ru,sex\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.dcm", "b.dcm", "films/c.dcm", "lungs/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "cohort.csv"
    file.write_bytes(text.encode(encoding))
    return file


def test_every_column_finds_its_place(folder):
    cohort = read_cohort(
        table(
            folder,
            "path,patient_id,differential,stage,zone_ru,large_opacity,aggregation,lungs,zones,sex,site\n"
            "a.dcm,p1,dust,II,2/2,absent,present,lungs/a.png,lungs/a.png,M,north\n"
            "films/c.dcm,p2,healthy,,,,,,,,\n",
        )
    )
    first, second = cohort.cases
    assert first.path == str(folder / "a.dcm")
    assert first.labels["stage"] == "II"
    assert first.labels["zone_ru"] == "2/2"
    assert first.labels["aggregation"] == "present"
    assert first.lungs == str(folder / "lungs/a.png")
    assert first.lesions is None
    assert dict(first.covariates) == {
        "zones": str(folder / "lungs/a.png"),
        "sex": "M",
        "site": "north",
    }
    assert set(first.labels) == set(RADIOGRAPH_TASKS.names)
    assert second.labels["stage"] is None
    assert second.lungs is None
    assert cohort.patients == ("p1", "p2")
    assert cohort.targets("differential") == (2, 0)
    assert cohort.targets("stage") == (2, MISSING)
    assert cohort.counts("stage") == {"0": 0, "I": 0, "II": 1, "III": 0}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_and_separators_of_common_spreadsheets(folder, encoding, delimiter, newline):
    text = HEADER + "a.dcm,张三,接尘,贰期,2/2,男\n\n" + "b.dcm,李四,healthy,,,女\n"
    cohort = read_cohort(
        table(folder, text.replace(",", delimiter).replace("\n", newline), encoding)
    )
    assert [c.patient_id for c in cohort] == ["张三", "李四"]
    assert cohort.cases[0].labels["differential"] == "dust"
    assert cohort.cases[0].labels["stage"] == "II"
    assert cohort.cases[1].covariates["sex"] == "女"


@pytest.mark.parametrize(
    ("row", "task", "expected"),
    [
        ("a.dcm,p,Dust,Ⅱ,,", "stage", "II"),
        ("a.dcm,p,DUST,iii,,", "stage", "III"),
        ("a.dcm,p,dust,stage I,,", "stage", "I"),
        ("a.dcm,p,dust,,1／0,", "zone_ru", "1/0"),
        ("a.dcm,p,dust,,0/−,", "zone_ru", "0/-"),
        ("a.dcm,p,dust,,３/＋,", "zone_ru", "3/+"),
        ("a.dcm,p,NA,n/a,?,", "zone_ru", None),
    ],
)
def test_words_people_write(folder, row, task, expected):
    assert read_cohort(table(folder, HEADER + row + "\n")).cases[0].labels[task] == expected


@pytest.mark.parametrize(("word", "label"), [("1", "present"), ("是", "present"), ("No", "absent")])
def test_yes_and_no(folder, word, label):
    text = f"path,patient_id,aggregation\na.dcm,p,{word}\n"
    assert read_cohort(table(folder, text)).cases[0].labels["aggregation"] == label


def test_column_names_are_matched_in_any_case_and_order(folder):
    cohort = read_cohort(table(folder, "Stage, Patient_ID ,PATH,,\nI,p,a.dcm,,\n"))
    assert cohort.cases[0].labels["stage"] == "I"
    assert dict(cohort.cases[0].covariates) == {}


def test_backslashes_of_another_system(folder):
    cohort = read_cohort(table(folder, "path,patient_id\nfilms\\c.dcm,p\n"))
    assert Path(cohort.cases[0].path) == folder / "films" / "c.dcm"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["no text", "header"]),
        (HEADER, ["no cases", "add one row"]),
        ("path,stage\na.dcm,I\n", ["'patient_id' is missing", "path, stage"]),
        ("path,patient_id,path\na.dcm,p,b.dcm\n", ["'path' appears 2 times"]),
        ("path,patient_id,Stage,stage\na.dcm,p,I,I\n", ["'stage' appears 2 times"]),
        ("path,patient_id,,sex\na.dcm,p,,M\n", ["column 3 has no name"]),
        (HEADER + "a.dcm,p,dust\n", ["row 2", "3 cells but 6 columns"]),
        (HEADER + "a.dcm,p,dust,I,1/1,M,more\n", ["row 2", "7 cells but 6 columns"]),
        (HEADER + '"a.dcm,p,dust,I,1/1,M\n', ["not a readable CSV"]),
        (HEADER + ",p,dust,I,1/1,M\n", ["row 2", "'path'", "empty"]),
        (HEADER + "a.dcm,,dust,I,1/1,M\n", ["row 2", "'patient_id'", "empty"]),
        (HEADER + "a.dcm,p,dust,IV,1/1,M\n", ["row 2", "'stage'", "'IV'", "0, I, II, III"]),
        (HEADER + "a.dcm,p,silicosis,I,,M\n", ["'differential'", "'silicosis'", "tuberculosis"]),
        (HEADER + "\na.dcm,p,dust,I,1-Jan,M\n", ["row 3", "'zone_ru'", "into a date"]),
        (HEADER + "a.dcm,p,dust,I,2024/1/1,M\n", ["'zone_ru'", "into a date"]),
        (HEADER + "a.dcm,p,healthy,I,,M\n", ["row 2", "stage is 'I'", "'healthy'", "only dust"]),
        (HEADER + "a.dcm,p,tuberculosis,0,,M\n", ["row 2", "'tuberculosis'"]),
        (HEADER + "a.dcm,p,dust,I,,\na.dcm,q,dust,I,,\n", ["row 3", "already stands in row 2"]),
        (HEADER + "x.dcm,p,dust,I,,\n", ["1 of 1 files do not exist", "x.dcm"]),
        ("path,patient_id,lungs\na.dcm,p,no.png\n", ["1 of 2 files do not exist", "no.png"]),
        ("path,patient_id,zones\na.dcm,p,no.png\n", ["1 of 2 files do not exist", "no.png"]),
    ],
)
def test_each_mistake_is_named_with_its_remedy(folder, text, said):
    with pytest.raises(CohortError) as caught:
        read_cohort(table(folder, text))
    message = str(caught.value)
    assert ";" in message
    assert "\n" not in message
    for part in said:
        assert part in message


def test_many_missing_files_are_counted_and_the_first_named(folder):
    rows = "".join(f"x{i}.dcm,p{i}\n" for i in range(9))
    file = table(folder, "path,patient_id\n" + rows)
    with pytest.raises(CohortError, match=r"9 of 9 .*x0.dcm.*x4.dcm and 4 more"):
        read_cohort(file)
    assert len(read_cohort(file, check_files=False)) == 9


def test_a_spreadsheet_file_is_no_csv(folder):
    (folder / "cohort.csv").write_bytes(b"PK\x03\x04" + bytes(range(256)))
    with pytest.raises(CohortError, match="CSV UTF-8"):
        read_cohort(folder / "cohort.csv")


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(CohortError, match="does not exist"):
        read_cohort(tmp_path / "none.csv")
    with pytest.raises(CohortError, match="cannot be read"):
        read_cohort(tmp_path)


def test_an_empty_cohort_is_refused(tmp_path):
    with pytest.raises(CohortError, match="at least one case"):
        Cohort((), tmp_path)


text = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    stage = draw(st.sampled_from([None, "0", "I", "II", "III"]))
    zones = {f"zone_{z}": draw(st.sampled_from([None, *PROFUSIONS])) for z in ZONES}
    labels = dict.fromkeys(RADIOGRAPH_TASKS.names)
    labels |= {"differential": "dust" if stage else "healthy", "stage": stage} | zones
    return Case(
        path=f"/films/{draw(st.uuids())}.dcm",
        patient_id=draw(text),
        labels=labels,
        lungs=draw(st.none() | st.just("/films/lungs.png")),
        covariates={"device": draw(text), "zones": draw(st.sampled_from(["", "/films/z.png"]))},
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(cases(), min_size=1, max_size=4, unique_by=lambda c: c.path))
def test_what_is_written_is_read_again(tmp_path, films):
    file = tmp_path / "again.csv"
    write_cohort(Cohort(tuple(films), tmp_path), file)
    again = read_cohort(file, check_files=False)
    assert again.cases == tuple(films)


def test_paths_below_the_table_are_written_relative(folder):
    cohort = read_cohort(
        table(folder, "path,patient_id,lungs,zones\na.dcm,p,lungs/a.png,lungs/a.png\n")
    )
    write_cohort(cohort, folder / "b.csv")
    assert (folder / "b.csv").read_text() == (
        "path,patient_id,lungs,zones\na.dcm,p,lungs/a.png,lungs/a.png\n"
    )
    assert [f.name for f in folder.glob(".*")] == []


def test_writing_where_nothing_can_be_written(folder):
    cohort = read_cohort(table(folder, "path,patient_id\na.dcm,p\n"))
    with pytest.raises(OutputError, match="cannot be written"):
        write_cohort(cohort, folder / "absent" / "b.csv")


def test_fingerprint_knows_labels_and_files_but_not_order_or_place(folder, tmp_path_factory):
    first = read_cohort(table(folder, HEADER + "a.dcm,p,dust,I,,M\nb.dcm,q,healthy,,,F\n"))
    print_ = first.fingerprint
    assert len(print_) == 64
    turned = read_cohort(table(folder, HEADER + "b.dcm,q,healthy,,,F\na.dcm,p,dust,I,,X\n"))
    assert turned.fingerprint == print_
    assert (
        read_cohort(table(folder, HEADER + "a.dcm,p,dust,II,,M\nb.dcm,q,healthy,,,F\n")).fingerprint
        != print_
    )
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("a.dcm", "b.dcm"):
        (elsewhere / name).write_bytes((folder / name).read_bytes())
    moved = read_cohort(table(elsewhere, HEADER + "a.dcm,p,dust,I,,M\nb.dcm,q,healthy,,,F\n"))
    assert moved.fingerprint == print_
    full = fingerprint(moved, contents=True)
    (elsewhere / "a.dcm").write_bytes(b"A.dcm")
    assert moved.fingerprint == print_  # same size
    assert fingerprint(moved, contents=True) != full
    (elsewhere / "a.dcm").write_bytes(b"longer than before")
    assert moved.fingerprint != print_


def test_subset_keeps_order_and_covariates_are_counted(folder):
    cohort = read_cohort(table(folder, HEADER + "a.dcm,p,dust,I,,M\nb.dcm,q,healthy,,,NA\n"))
    assert [c.patient_id for c in cohort.subset([1, 0])] == ["q", "p"]
    assert covariate_values(cohort, "sex") == {"M": 1}
    with pytest.raises(CohortError, match="known covariates: sex"):
        covariate_values(cohort, "age")


def test_two_cohorts_are_joined_and_an_image_in_both_is_refused(folder, tmp_path_factory):
    rows = HEADER + "a.dcm,1,healthy,,,\nb.dcm,2,dust,I,1/1,M\n"
    first = read_cohort(table(folder, rows))
    second = read_cohort(table(tmp_path_factory.mktemp("apart"), rows), check_files=False)
    both = first.joined(second)
    assert both.cases == (*first.cases, *second.cases)
    assert all(Path(case.path).is_relative_to(both.root) for case in both)
    with pytest.raises(CohortError, match="stands in both cohorts"):
        first.joined(first)
