"""Which pages are recognised, as a reading asks for it."""

import io

import pytest

from appliance.drivers.ocr.memory import KnowingEye
from appliance.drivers.ocr.port import Seen
from appliance.knowledge.parsing import pdf
from appliance.knowledge.parsing.errors import NeedsRecognition
from appliance.knowledge.parsing.limits import ParseLimits
from tests.factories import files, scans

LAYER = files.pdf([("garbled l@yer", 11, 50, 700)])
SEEN = [Seen("a clear layer", 0.9, 100, 100, 400, 130)]


def test_a_text_layer_is_believed_unless_all_pages_are_to_be_recognised() -> None:
    assert pdf.parse(io.BytesIO(LAYER), KnowingEye([SEEN]), ParseLimits()).text == "garbled l@yer"
    always = ParseLimits(recognition="always")
    assert pdf.parse(io.BytesIO(LAYER), KnowingEye([SEEN]), always).text == "a clear layer"
    with pytest.raises(NeedsRecognition):
        pdf.parse(io.BytesIO(LAYER), None, always)


def test_a_picture_among_pages_of_text_is_left_out_and_told_where_none_is_to_be_recognised() -> None:
    mixed = scans.scanned("The valve is open.", scans.picture([("closed", 11, 50, 760)]))
    eye = KnowingEye([SEEN])
    read = pdf.parse(io.BytesIO(mixed), eye, ParseLimits(recognition="never"))
    assert (read.text, read.warnings) == ("The valve is open.", ("page 2: a picture, not read",))
    assert eye.shapes == []
