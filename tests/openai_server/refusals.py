"""Errors as OpenAI words them."""

from typing import Any


class Refused(Exception):
    """The server answers with this status and this error."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param

    @property
    def body(self) -> dict[str, Any]:
        kind = (
            "insufficient_quota" if self.code == "insufficient_quota" else "invalid_request_error"
        )
        said = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return {"error": said}


def wrong_key(key: str) -> Refused:
    """OpenAI repeats a part of the key."""
    shown = f"{key[:8]}{'*' * 12}{key[-4:]}"
    message = f"Incorrect API key provided: {shown}. You can find your API key at your account."
    return Refused(401, message, code="invalid_api_key")


def no_model(model: object) -> Refused:
    message = f"The model `{model}` does not exist or you do not have access to it."
    return Refused(404, message, code="model_not_found")


def injected(status: int) -> Refused:
    """What a status that a test asks for says."""
    match status:
        case 401:
            return wrong_key("sk-wrong-0123456789-abcd")
        case 403:
            return Refused(403, "Country, region, or territory not supported", code="unsupported")
        case 429:
            return Refused(429, "Rate limit reached for requests", code="rate_limit_exceeded")
        case _:
            return Refused(status, "The server had an error while processing your request")


def out_of_money() -> Refused:
    message = "You exceeded your current quota, please check your plan and billing details."
    return Refused(429, message, code="insufficient_quota")
