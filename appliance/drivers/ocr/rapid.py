"""RapidOCR (Apache-2.0): PP-OCR's detector and recogniser for Chinese and English, models in its package.

Importing takes seconds, so only the process that reads pictures does. One thread: its readers may start none.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidocr import RapidOCR

from appliance.drivers.ocr.port import Picture, Seen

_SETTINGS: Final = {
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Global.log_level": "error",
}
_CLEAR: Final = 0.75
_TALL: Final = 1.5
"""Boxes so much higher than wide are lines of a page that lies on its side."""


class RapidEye:
    """The models, loaded before anything is read: a process behind walls cannot ask what the processor can do."""

    def __init__(self) -> None:
        cv2.setNumThreads(0)
        self._engine = RapidOCR(params=_SETTINGS)
        sample = np.full((64, 256, 3), 255, np.uint8)
        cv2.putText(sample, "Hello", (20, 44), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2)
        self._seen(sample)

    def read(self, picture: Picture) -> list[Seen]:
        """Every piece of text; a page that makes little sense is turned, on its side or upside down."""
        seen = self._seen(picture)
        tall = sum(one.bottom - one.top > _TALL * (one.right - one.left) for one in seen) * 2 > len(seen)
        if not seen or (not tall and _sense(seen) >= _CLEAR * sum(len(one.text) for one in seen)):
            return seen
        turned = [
            self._seen(np.ascontiguousarray(np.rot90(picture, turns)), turns) for turns in ((1, 3) if tall else (2,))
        ]
        return max(seen, *turned, key=_sense)

    def _seen(self, picture: Picture, turns: int = 0) -> list[Seen]:
        found = self._engine(picture, use_cls=False)
        if found.boxes is None:
            return []
        told = zip(found.boxes, found.txts, found.scores, strict=True)
        return [_piece(box, text, float(score), turns) for box, text, score in told]


def _piece(box: NDArray[np.float32], text: str, score: float, turns: int) -> Seen:
    """Of its corners."""
    (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
    return Seen(text, score, float(left), float(top), float(right), float(bottom), turns)


def _sense(seen: list[Seen]) -> float:
    return sum(one.confidence * len(one.text) for one in seen)
