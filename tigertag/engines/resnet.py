"""The local classifier with ResNet-50 as its default. See `tigertag.engines.classifier`."""

from tigertag.contracts import Host
from tigertag.engines import classifier
from tigertag.engines.classifier import ImageClassifier


class Options(classifier.Options):
    """The classifier's options."""

    model: str = "resnet50"


def build(id: str, options: Options, host: Host) -> ImageClassifier:
    """Return the engine. Does no I/O."""
    return classifier.build(id, options, host)
