"""What a paraphrase may not change: numbers with their units, dates, bounds, currencies, rates, codes and names.

Everything is compared in plain form: :func:`plain` folds spellings that mean the same ("two", 两 and 2; 百分之八,
8% and "8 per cent"). Denials are in :mod:`denials`.
"""

import functools
import re
from dataclasses import dataclass
from typing import Final

from appliance.knowledge.terms import normal

_NUMBER: Final = r"\d+(?:[.,:]\d+)*"
_NUMBERS: Final = re.compile(_NUMBER)
_SMALL: Final = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
    """.split()  # noqa: SIM905 - a list would be twenty lines, and so below
_WORDS: Final = {word: str(value) for value, word in enumerate(_SMALL)} | {"thirty": "30", "forty": "40", "fifty": "50"}
_SPELLED: Final = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)

_MONTHS: Final = """
    january february march april may june july august september october november december
    """.split()  # noqa: SIM905 - as above
_UNITS_EN: Final = """
    second minute hour day week month year night meter metre kilometre mile euro dollar litre degree page people person
    seat tonne ton character employee cycle
    """.split()  # noqa: SIM905 - as above
_SYMBOLS: Final = """
    eur usd gbp % kg g t bar mm cm m km nm v w ma kwh wh hz khz db gb mb °c ohm km/h m/s
    """.split()  # noqa: SIM905 - as above
_UNITS_ZH: Final = """
    秒 分钟 小时 工作日 工作天 天 日 周 星期 个月 月 年 元 米 公里 公斤 伏 瓦 升 度 人 字符 次 倍 楼 分贝 台 座位
    个 块 巴
    """.split()  # noqa: SIM905 - as above
_SAME_UNIT: Final = {
    "日": "天",
    "星期": "周",
    "工作天": "工作日",
    "metre": "meter",
    "euro": "eur",
    "dollar": "usd",
    "person": "people",
    "ton": "tonne",
    "个": "",
}
TIMES: Final = frozenset("second minute hour day week month year 秒 分钟 小时 天 日 周 星期 个月 月 年".split())  # noqa: SIM905 - as above
UNITS: Final = frozenset((*_UNITS_EN, *(f"{unit}s" for unit in _UNITS_EN), *_SYMBOLS, *_UNITS_ZH, "percent"))
_ALTERNATIVES: Final = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_MEASURE: Final = re.compile(rf"({_NUMBER})[ \u00a0-]?(?:working |个(?!月))?({_ALTERNATIVES})(?![a-z])")

_DIGIT_ZH: Final = {letter: value for value, letter in enumerate("零一二三四五六七八九")} | {"两": 2}
_NUMERAL: Final = re.compile(
    r"(?<![星统第])[零一二两三四五六七八九十百]+(?=个|小时|分钟|秒|天|日|周|星期|年|月|元|人|次|倍|楼|时|点|岁|门|条|类|名|位|座|台|项|份|工作)"
)
_PERCENT_ZH: Final = re.compile(r"百分之([零一二两三四五六七八九十百]+|\d+(?:\.\d+)?)")
_TENTHS: Final = re.compile(r"([一二两三四五六七八九])成(?![立为员本])")

_DATE: Final = re.compile(
    rf"(?P<day>\d{{1,2}}) (?P<month>{'|'.join(_MONTHS)})(?: (?P<year>\d{{4}}))?"
    r"|(?:(?P<zy>\d{4})年)?(?P<zm>\d{1,2})月(?P<zd>\d{1,2})日"
)
_LEAST: Final = re.compile(
    r"at least|(?:no|not) (?:less|fewer) than|at a minimum|a minimum of"
    r"|不(?:得|能|可)?(?:少|低|小)于|(?:至|最)少|起码"
)
_MOST: Final = re.compile(
    r"at most|(?:no|not) (?:more|longer|later|higher) than|up to|a maximum of|(?:(?:do|does|may|must) )?not exceed"
    r"|不(?:得|能|可)?(?:超过|高于|大于|多于)|(?:最|至)多"
)
_SHORT: Final = re.compile(r"不满|未满|不到|不足")
"""Less than: a bound, and no denial."""
_CURRENCY: Final = re.compile(r"人民币|新台币|台币|美元|欧元|日圆|日元|港币|\b(?:eur|euros?|usd|gbp|chf|cny|twd|jpy)\b")
_RATE: Final = re.compile(
    rf"(?:per|each|every) ({'|'.join(_UNITS_EN)})|每个?(秒|分钟|小时|天|日|晚|周|月|季|年|班|人|次|餐|台|份|公里)"
)
_CODE: Final = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z0-9-]*[A-Z])(?=[A-Za-z0-9-]*\d)[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_NAME: Final = re.compile(r"(?<=[\w,;:)] )[A-Z][\w’'-]+")


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one text. A date is (year or 0, month, day)."""

    numbers: frozenset[str]
    measures: frozenset[tuple[str, str]]
    dates: frozenset[tuple[int, int, int]]
    bounds: frozenset[str]
    currencies: frozenset[str]
    rates: frozenset[str]
    codes: frozenset[str]
    names: frozenset[str]

    def unmeasured(self) -> frozenset[tuple[str, str]]:
        """For the numbers that have no unit where they stand (cells of a table), every unit."""
        measured = {number for number, _ in self.measures}
        return frozenset((number, _unit(unit)) for number in self.numbers - measured for unit in UNITS)

    def dated(self, date: tuple[int, int, int]) -> bool:
        """Whether the text has this date; a year that is given on one side only does not count."""
        year, *day = date
        return any((day == list(other[1:]) and 0 in (year, other[0])) or date == other for other in self.dates)


@functools.lru_cache(maxsize=4096)
def facts(text: str) -> Facts:
    """The facts of ``text``."""
    told = plain(text)
    return Facts(
        numbers=frozenset(_plain(number) for number in _NUMBERS.findall(told)),
        measures=frozenset((_plain(number), _unit(unit)) for number, unit in _MEASURE.findall(told)),
        dates=frozenset(map(_date, _DATE.finditer(told))),
        bounds=frozenset(name for name, pattern in (("least", _LEAST), ("most", _MOST)) if pattern.search(told)),
        currencies=frozenset(_CURRENCY.findall(told)),
        rates=frozenset(_unit(english or chinese) for english, chinese in _RATE.findall(told)),
        codes=frozenset(normal(code) for code in _CODE.findall(text)),
        names=names(text),
    )


def numbers(text: str) -> frozenset[str]:
    """The numbers in ``text``, alike however they are written: 1,200 and 1200, 08:30 and 8:30, two, 两 and 2."""
    return facts(text).numbers


def measures(text: str) -> frozenset[tuple[str, str]]:
    """The numbers in ``text`` that have a unit, with it: 2 days is not 2 hours."""
    return facts(text).measures


def names(text: str) -> frozenset[str]:
    """Codes (XR-200) and words written with a capital inside a sentence, folded."""
    found = (normal(name) for name in (*_CODE.findall(text), *_NAME.findall(text)))
    return frozenset(name for name in found if name not in UNITS)


@functools.lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """``text`` folded as terms are, numbers in digits."""
    told = _SPELLED.sub(lambda match: _WORDS[match.group()], normal(text))
    told = _PERCENT_ZH.sub(lambda match: f"{_value(match.group(1))}%", told)
    told = _TENTHS.sub(lambda match: f"{10 * _DIGIT_ZH[match.group(1)]}%", told)
    told = _NUMERAL.sub(lambda match: str(_value(match.group())), told)
    return re.sub(r"per ?cent\b", "%", told)


def unbounded(text: str) -> str:
    """``text`` (plain) without the words that only bound a number: "no more than" denies nothing."""
    return _SHORT.sub(" ", _MOST.sub(" ", _LEAST.sub(" ", text)))


def _value(numeral: str) -> str:
    """A Chinese numeral below 1,000 in digits."""
    if not set(numeral) <= _DIGIT_ZH.keys() | {"十", "百"}:
        return numeral
    whole = part = 0
    for letter in numeral:
        if letter in "十百":
            whole += (part or 1) * (10 if letter == "十" else 100)
            part = 0
        else:
            part = _DIGIT_ZH[letter]
    return str(whole + part)


def _date(match: re.Match[str]) -> tuple[int, int, int]:
    if match["month"]:
        return int(match["year"] or 0), _MONTHS.index(match["month"]) + 1, int(match["day"])
    return int(match["zy"] or 0), int(match["zm"]), int(match["zd"])


def _unit(unit: str) -> str:
    single = unit if len(unit) == 1 or unit in _SYMBOLS else unit.removesuffix("s")
    return _SAME_UNIT.get(single, single)


def _plain(number: str) -> str:
    whole = number.replace(",", "")
    return ":".join(part.lstrip("0") or "0" for part in whole.split(":")) if ":" in whole else whole.rstrip(".")
