"""REST for models that can be fetched."""

from typing import Literal

from flask import Response, url_for
from pydantic import BaseModel, Field

from tigertag.web import state
from tigertag.web.api.routes import Routes, made, nothing, sent
from tigertag.web.api.schemas import NoFields, Nothing, Shape, ShapeList, Text, from_path

routes = Routes("models", "Models that can be fetched, for engines that run on this machine.")

_MODEL = "/models/<name>"


class ModelShape(Shape):
    """A model, and what there is of it on this machine."""

    name: str = from_path("model", "name")
    title: str = from_path("model", "title")
    what: str = from_path("model", "what", description="What it recognises.")
    licence: str = from_path("model", "licence")
    source: str = from_path("model", "source", description="The page that publishes it.")
    url: str = from_path("model", "url", description="Where it is fetched from.")
    bytes: int = from_path("model", "bytes")
    sha256: str = from_path("model", "sha256")
    input_px: int = from_path(
        "model", "input_px", description="The side of the square that it looks at."
    )
    accuracy: str = from_path("model", "accuracy", description="Its publisher's own figure.")
    state: Literal["absent", "fetching", "installed", "built_in", "changed"] = Field(
        description="built_in: part of the container's image. changed: its file is not this model,"
        " and is not used."
    )
    loaded_bytes: int = Field(description="How much a download has brought so far.")
    problem: str = Field(
        description="What is wrong with its file, or why the last download failed; may be empty."
    )


class ModelPath(BaseModel):
    name: Text = Field(description="The model's name, such as `yolox-tiny`.")


@routes.get("/models", ShapeList[ModelShape])
def list_models(query: Nothing) -> Response:
    """List the models that can be fetched, and what there is of them on this machine."""
    return sent(ShapeList[ModelShape], state.get().model_fetches.listed())


@routes.get(_MODEL, ModelShape, 404)
def get_model(path: ModelPath, query: Nothing) -> Response:
    """Return a model, and how far its download is."""
    return sent(ModelShape, state.get().model_fetches.of(path.name))


@routes.post(f"{_MODEL}/fetch", {202: made(ModelShape, "It is under way.")}, 400, 404, 413, 415)
def fetch_model(path: ModelPath, body: NoFields, query: Nothing) -> Response:
    """Fetch a model. Nothing is sent but the request for the file.

    If it is here or being fetched already, nothing new starts. What an interrupted download has
    loaded is resumed.
    """
    view = state.get().model_fetches.start(path.name)
    return sent(ModelShape, view, 202, location=url_for(".get_model", name=view.model.name))


@routes.delete(f"{_MODEL}/fetch", 404, 409)
def stop_fetching_model(path: ModelPath, query: Nothing) -> Response:
    """Stop a download. What it has loaded is kept, and the next one resumes there."""
    state.get().model_fetches.stop(path.name)
    return nothing()


@routes.post(f"{_MODEL}/verify", ModelShape, 400, 404, 409, 413, 415)
def verify_model(path: ModelPath, body: NoFields, query: Nothing) -> Response:
    """Read a model's file again and check its SHA-256. 404 where there is none."""
    return sent(ModelShape, state.get().model_fetches.verify(path.name))


@routes.delete(_MODEL, 404, 409)
def remove_model(path: ModelPath, query: Nothing) -> Response:
    """Remove a model's file.

    Tags from its answers are decided again at the next scan, with the model that is left; without
    one they stay.
    """
    state.get().model_fetches.remove(path.name)
    return nothing()
