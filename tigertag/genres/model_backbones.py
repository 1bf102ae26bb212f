"""The network that a genre model has learned to read."""

from tigertag.contracts import Host
from tigertag.errors import ModelError
from tigertag.genres.genre_model import GenreModel
from tigertag.inference.backbone import Backbone, known, own
from tigertag.inference.preprocessing import Scaling


def of_model(model: GenreModel, host: Host) -> Backbone:
    """Return its backbone: a known one, or the own one that lies in the model's folder.

    May fetch weights. Raises `ModelError` where it gives other embeddings than those that were
    learned from.
    """
    found, wanted = _found(model, host), model.manifest.backbone
    if found.fingerprint() != wanted.fingerprint:
        raise ModelError(
            f"The genre model {model.manifest.name!r} was learned with another version of"
            f" {wanted.name} than there is here now; learn it again."
        )
    return found


def _found(model: GenreModel, host: Host) -> Backbone:
    wanted, file = model.manifest.backbone, model.backbone
    if file is None:
        return known(wanted.name, host)
    scaling = Scaling.of(wanted.mean, wanted.deviation)
    return own(file, scaling, wanted.side_px, name=wanted.name)
