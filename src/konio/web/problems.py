"""Everything the interface refuses, with its status and one sentence in both languages: one table."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final, NamedTuple

from konio.errors import UsageError


class ProblemText(NamedTuple):
    """Status and sentence of one problem."""

    status: int
    en: str
    zh: str


#: By code. The same code always has the same status.
PROBLEMS: Final = MappingProxyType(
    {
        "bad-request": ProblemText(
            400, "the request cannot be understood; reload the page", "无法理解该请求，请刷新页面"
        ),
        "bad-host": ProblemText(
            400,
            "this server is not known under that name; use its own address or add the name to hosts",
            "服务器不使用该名称，请使用其地址或将名称加入 hosts",
        ),
        "sign-in-needed": ProblemText(401, "sign in to go on", "请先登录"),
        "sign-in-failed": ProblemText(
            401,
            "signing in failed; check name, password and code, or wait a few minutes if it was tried often",
            "登录失败，请检查用户名、密码和验证码；若多次尝试，请稍候几分钟",
        ),
        "csrf": ProblemText(
            403, "the request did not come from this page; reload it", "请求并非来自本页面，请刷新"
        ),
        "forbidden": ProblemText(
            403,
            "your account may not do this; ask an administrator",
            "您的账户无此权限，请联系管理员",
        ),
        "password-change-needed": ProblemText(
            403, "choose a password of your own first", "请先设置您自己的密码"
        ),
        "not-found": ProblemText(404, "there is nothing here", "未找到"),
        "method-not-allowed": ProblemText(
            405, "this address does not take that method", "该地址不支持此方法"
        ),
        "blind": ProblemText(
            409,
            "sign your own reading first; the machine's answer and other readings open afterwards",
            "请先签署您自己的阅片结果，之后方可查看机器结果和他人阅片",
        ),
        "not-assessed": ProblemText(
            409,
            "this film has not been assessed yet; wait for its job",
            "该片尚未评估，请等待任务完成",
        ),
        "film-unreadable": ProblemText(
            409, "this film cannot be shown: {detail}", "该片无法显示：{detail}"
        ),
        "job-open": ProblemText(
            409,
            "this film is being assessed already; wait for it or cancel it",
            "该片正在评估中，请等待或取消",
        ),
        "job-ended": ProblemText(
            409, "the job has ended already; there is nothing to cancel", "任务已结束，无需取消"
        ),
        "job-not-failed": ProblemText(
            409,
            "only a job that failed or was cancelled can be tried again",
            "仅失败或已取消的任务可以重试",
        ),
        "version": ProblemText(
            409,
            "the newest version of your reading is {detail}; load it and amend that one",
            "您的最新阅片版本为 {detail}，请加载后在其基础上修改",
        ),
        "name-taken": ProblemText(
            409, "an account of that name exists already; choose another", "该用户名已存在，请另选"
        ),
        "last-administrator": ProblemText(
            409,
            "this is the only administrator; add another before taking this one away",
            "这是唯一的管理员，请先添加另一名管理员",
        ),
        "too-large": ProblemText(
            413,
            "more was sent than is taken ({detail}); send less at a time",
            "发送内容过大（{detail}），请分次发送",
        ),
        "wrong-type": ProblemText(415, "send this as {detail}", "请以 {detail} 格式发送"),
        "invalid": ProblemText(
            422, "some values cannot be used: {detail}", "部分内容无效：{detail}"
        ),
        "weak-password": ProblemText(
            422,
            "a password needs 12 to 256 characters, five of them different; choose another",
            "密码需 12 至 256 个字符，且至少含五个不同字符，请另选",
        ),
        "wrong-password": ProblemText(422, "the present password is not right", "当前密码不正确"),
        "same-password": ProblemText(
            422, "choose a password other than the present one", "新密码不能与当前密码相同"
        ),
        "wrong-code": ProblemText(
            422, "the code is not right; wait for the next one", "验证码不正确，请等待下一个"
        ),
        "account-name": ProblemText(
            422,
            "a name has up to 64 letters, figures and . @ + - _",
            "用户名最多 64 个字符，可用字母、数字和 . @ + - _",
        ),
        "reason-needed": ProblemText(
            422, "an amended reading needs a reason", "修改阅片结果须说明原因"
        ),
        "readers-only": ProblemText(
            422, "only readers who may sign in can be given a case", "只能分配给可登录的阅片者"
        ),
        "busy": ProblemText(
            503, "too many ask at this moment; try again soon", "请求过多，请稍后再试"
        ),
        "database-gone": ProblemText(
            503, "the database cannot be reached; try again soon", "无法连接数据库，请稍后再试"
        ),
        "disk-full": ProblemText(
            507,
            "the server's disk is full, so nothing was taken; tell the administrator and send it again later",
            "服务器磁盘已满，未保存任何内容，请通知管理员并稍后重新发送",
        ),
        "failed": ProblemText(
            500,
            "something went wrong here; try again, and tell the administrator the request's number if it stays",
            "服务器出错，请重试；若持续出现，请将请求编号告知管理员",
        ),
    }
)


class ProblemError(UsageError):
    """A request that is refused.

    Args:
        code: a key of `PROBLEMS`.
        detail: fills the sentence.
        detail_zh: the same in Chinese, where it differs.
        fields: which values are wrong, ``at`` and ``message``.
        headers: go with the answer.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        detail_zh: str = "",
        fields: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        text = PROBLEMS[code]
        self.code = code
        self.status = text.status
        self.message = _sentence(text.en.format(detail=detail))
        self.message_zh = text.zh.format(detail=detail_zh or detail) + "。"
        self.fields = fields
        self.headers = headers or {}
        super().__init__(text.en.format(detail=detail))

    def to_json(self) -> dict[str, Any]:
        """The one shape of all errors."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "message_zh": self.message_zh,
        }
        if self.fields is not None:
            error["fields"] = self.fields
        return {"error": error}


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
