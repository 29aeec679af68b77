"""What travels in requests and answers; the OpenAPI description is made from these."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from konio.standards import DISEASES
from konio.tasks import PROFUSIONS, ZONES

#: Shapes of small opacities, GBZ 70-2015 3.3.
SHAPES: Final = ("p", "q", "r", "s", "t", "u")
#: Additional symbols, with English and Chinese; GBZ 70-2015 annex and ILO.
SYMBOLS: Final = {
    "bu": ("bulla", "肺大泡"),
    "ca": ("cancer", "肺癌和胸膜间皮瘤"),
    "cn": ("calcified small opacities", "小阴影钙化"),
    "cp": ("cor pulmonale", "肺心病"),
    "cv": ("cavity", "空洞"),
    "ef": ("pleural effusion", "胸腔积液"),
    "em": ("emphysema", "肺气肿"),
    "es": ("eggshell calcification of nodes", "淋巴结蛋壳样钙化"),
    "ho": ("honeycomb lung", "蜂窝肺"),
    "pc": ("pleural calcification", "胸膜钙化"),
    "pt": ("pleural thickening", "胸膜增厚"),
    "px": ("pneumothorax", "气胸"),
    "rp": ("rheumatoid pneumoconiosis", "类风湿性尘肺"),
    "tb": ("active tuberculosis", "活动性肺结核"),
}

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=160)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Date = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")
]
Stage = Literal["0", "I", "II", "III"]
Role = Literal["reader", "administrator"]
Priority = Annotated[int, Field(ge=0, le=9)]
Profusion = Literal[PROFUSIONS]  # type: ignore[valid-type]
Size = Annotated[float, Field(gt=0, le=500, allow_inf_nan=False)]


class Body(BaseModel):
    """Base of all requests: unknown names are refused, numbers are not guessed from text."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SignIn(Body):
    """Name, password and, where it is switched on, the one-time code."""

    name: Annotated[str, StringConstraints(max_length=200)]
    password: Annotated[str, StringConstraints(max_length=1024)]
    code: Annotated[str, StringConstraints(max_length=20)] = ""


class ChangePassword(Body):
    """The present password and the new one."""

    current: Secret
    new: Secret


class OneTimeCode(Body):
    """A code of six figures."""

    code: Code


class NewAccount(Body):
    """An account to be added."""

    name: Name
    display: Short = ""
    role: Role


class AccountChange(Body):
    """What is to change; absent parts stay."""

    display: Short | None = None
    role: Role | None = None
    disabled: bool | None = None


class CaseChange(Body):
    """What is to change; absent parts stay."""

    patient_id: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)] | None = (
        None
    )
    patient_name: Short | None = None
    study_date: Date | Literal[""] | None = None
    priority: Priority | None = None


class Readers(Body):
    """Accounts that are to read a case."""

    readers: Annotated[list[Annotated[int, Field(ge=1, le=2**31)]], Field(max_length=20)]


class JobWish(Body):
    """How urgent a job is."""

    priority: Priority | None = None


class JobPriority(Body):
    """How urgent a job is."""

    priority: Priority


class Zones(Body):
    """Profusion of the six zones."""

    ru: Profusion
    rm: Profusion
    rl: Profusion
    lu: Profusion
    lm: Profusion
    ll: Profusion


class Large(Body):
    """A large opacity."""

    long_mm: Annotated[float, Field(gt=10, le=500, allow_inf_nan=False, strict=False)]
    short_mm: Annotated[float, Field(gt=0, le=500, allow_inf_nan=False, strict=False)]

    @model_validator(mode="after")
    def _ordered(self) -> Large:
        if self.short_mm > self.long_mm:
            raise ValueError("the short diameter is longer than the long one")
        return self


class PlaqueFound(Body):
    """Pleural plaques."""

    length_fraction_of_wall: Annotated[
        float, Field(ge=0, le=2, allow_inf_nan=False, strict=False)
    ] = 0.0
    heart_border_or_diaphragm: bool = False
    shaggy_heart: bool = False


class Opacities(Body):
    """Shape of the small opacities: predominant and second letter."""

    primary: Literal[SHAPES] | None = None  # type: ignore[valid-type]
    secondary: Literal[SHAPES] | None = None  # type: ignore[valid-type]


class Pleura(Body):
    """What is seen at the pleura."""

    plaque: bool = False
    thickening: bool = False
    calcification: bool = False
    effusion: bool = False
    costophrenic: bool = False


class StageOverride(Body):
    """Another stage than the clause gives, with the reader's reason."""

    stage: Stage
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=1000)]


class Findings(Body):
    """A reader's findings on one film."""

    zones: Zones
    aggregation: bool = False
    large: Annotated[list[Large], Field(max_length=20)] = Field(default_factory=list)
    asbestos: bool = False
    plaque: PlaqueFound | None = None
    shape: Opacities | None = None
    pleura: Pleura | None = None
    symbols: Annotated[list[Literal[tuple(SYMBOLS)]], Field(max_length=14)] = Field(  # type: ignore[valid-type]
        default_factory=list
    )
    quality_grade: Annotated[int, Field(ge=1, le=4)] | None = None
    disease: Literal[tuple(DISEASES)] | None = None  # type: ignore[valid-type]
    stage_override: StageOverride | None = None
    comment: Text = ""
    seconds_spent: Annotated[int, Field(ge=0, le=10**6)] | None = None


class SignReading(Findings):
    """Findings to be signed; ``amends`` and ``reason`` where an earlier version exists."""

    amends: Annotated[int, Field(ge=1, le=10_000)] | None = None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""


class DraftBody(BaseModel):
    """Any JSON object of at most 32 kB."""

    model_config = ConfigDict(extra="allow")


class Query(BaseModel):
    """Base of all query strings."""

    model_config = ConfigDict(extra="forbid")


Page = Annotated[int, Field(ge=1, le=100_000)]
PageSize = Annotated[int, Field(ge=1, le=200)]
SortKey = Literal[
    "received", "study_date", "name", "patient_id", "patient_name", "status", "priority",
    "my_stage", "my_signed",
]  # fmt: skip
Status = Literal["queued", "running", "done", "failed", "refused", "cancelled"]


class NoQuery(Query):
    """Nothing is asked for in the query string."""


class UploadQuery(Query):
    """The file's name as the browser knows it; shown, never used as a path."""

    name: Annotated[str, StringConstraints(max_length=1000)] = ""


class CasesQuery(Query):
    """What the work list is to show."""

    q: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    status: Status | None = None
    reading: Literal["unread", "signed"] | None = None
    my_stage: Stage | None = None
    machine_stage: Stage | None = None
    since: Date | None = Field(default=None, alias="from")
    until: Date | None = Field(default=None, alias="to")
    patient: Annotated[str, StringConstraints(max_length=80)] = ""
    sort: SortKey = "received"
    order: Literal["asc", "desc"] = "desc"
    page: Page = 1
    size: PageSize = 50


class FilmQuery(Query):
    """Which picture of the film."""

    size: Literal["full", "preview"] = "full"


PanePixels = Annotated[int, Field(ge=0, le=100_000)]


class WordsQuery(Query):
    """Pixels of the pane that is to show the whole film; 0 for every word of the film."""

    width: PanePixels = 0
    height: PanePixels = 0


class LanguageQuery(Query):
    """Language of a page."""

    lang: Literal["en", "zh"] = "en"


class JobsQuery(Query):
    """Which jobs."""

    state: Literal["queued", "running", "done", "failed", "cancelled"] | None = None
    page: Page = 1
    size: PageSize = 50


class AgreementQuery(Query):
    """Which readings count."""

    reader: Annotated[int, Field(ge=1, le=2**31)] | None = None
    other: Annotated[int, Field(ge=1, le=2**31)] | None = None
    since: Date | None = Field(default=None, alias="from")
    until: Date | None = Field(default=None, alias="to")


class AuditQuery(Query):
    """Which lines of the audit log."""

    before: Annotated[int, Field(ge=1, le=2**53)] | None = None
    size: Annotated[int, Field(ge=1, le=500)] = 100
    action: Annotated[str, StringConstraints(max_length=40)] = ""
    account: Annotated[int, Field(ge=1, le=2**31)] | None = None


Plain = dict[str, Any]


class ErrorFields(BaseModel):
    """One value that cannot be used."""

    at: str
    message: str


class ErrorBody(BaseModel):
    """Why a request was refused."""

    code: str
    message: str
    message_zh: str
    fields: list[ErrorFields] | None = None


class ErrorAnswer(BaseModel):
    """The one shape of all errors."""

    error: ErrorBody
    notice: str


def zone_names() -> tuple[str, ...]:
    """The zones in their one order; `Zones` has the same (a test holds it)."""
    return ZONES
