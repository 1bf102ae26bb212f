import pytest

from tigertag.errors import ModelError
from tigertag.inference.preprocessing import ImageInput, Shape, read_classes, read_input


@pytest.mark.parametrize(
    ("shape", "dtype", "side_px", "outputs"),
    [
        ((None, 1, 28, 28), "float32", None, r"\[\?, 1, 28, 28\], not a batch of RGB images"),
        ((3, 224, 224), "float32", None, "not a batch"),
        ((), "float32", None, "not a batch"),
        ((8, 3, 224, 224), "float32", None, "takes 8 images at once"),
        ((1, 3, 224, 192), "float32", None, "not square"),
        ((1, 3, 224, 224), "float32", 299, "299 px a side, as SIZE says"),
        ((1, 3, 224, 224), "int64", None, "it must be uint8, float16 or float32"),
    ],
)
def test_an_input_that_is_no_image_is_refused(
    shape: Shape, dtype: str, side_px: int | None, outputs: str
) -> None:
    with pytest.raises(ModelError, match=outputs):
        read_input(shape, dtype, side_px)


@pytest.mark.parametrize(
    ("shape", "side_px", "expected"),
    [
        ((None, 3, 224, 224), None, ImageInput(224, channels_first=True, dtype="float32")),
        ((1, 299, 299, 3), None, ImageInput(299, channels_first=False, dtype="float32")),
        ((None, 3, None, None), 384, ImageInput(384, channels_first=True, dtype="float32")),
        ((None, None, None, 3), None, ImageInput(224, channels_first=False, dtype="float32")),
    ],
)
def test_layout_and_size_are_read_from_the_file(
    shape: Shape, side_px: int | None, expected: ImageInput
) -> None:
    assert read_input(shape, "float32", side_px) == expected


@pytest.mark.parametrize("shape", [(1, 1000, 1, 1), (1, None), (1000,)])
def test_an_output_that_is_no_list_of_classes_is_refused(shape: Shape) -> None:
    with pytest.raises(ModelError, match="not one number for each class"):
        read_classes(shape)
