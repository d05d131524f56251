"""Counts over short times that all workers share: windows of a minute, and slots that are held while something runs.

Both are leased: a worker takes a block and spends it by itself. A block of a window counts as spent until the window
ends; slots count as taken until their holder has not told of itself for ``SLOT_SECONDS``.

A Valkey that was restarted has forgotten what it gave out. It notes when it first answered, and of a window that began
before that it gives nothing (``UNKNOWN``): the caller then falls back on what it may take unseen.
"""

import threading
from typing import Any, Final, Protocol, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from appliance.kit import clock
from appliance.kit.errors import Unavailable

PATIENCE: Final = 1.0
"""Seconds for each call."""
SILENCE: Final = 1.0
"""Seconds without a try after a failed call: a dead Valkey must not cost each request a wait."""
SLOT_SECONDS: Final = 10
UNKNOWN: Final = -1
MINUTE: Final = 60
QUIET_SECONDS: Final = 15
"""No worker greeted for longer: they could not, and have lent by themselves."""
_EPOCH: Final = "appliance:quota:epoch"
_LAST: Final = "appliance:quota:greeted"


class StopwatchDown(Unavailable):
    """The store of short windows does not answer."""

    code = "stopwatch_down"


class Stopwatch(Protocol):
    """Blocks of shared counts. All raise :class:`StopwatchDown`, soon."""

    def greet(self, *, first: bool) -> None:
        """Say that a worker is there, ``first`` for its first word, then each second.

        Who greets first believes an empty store to be a new one, which has given nothing out; after that an empty store
        has forgotten what it gave. So does one that nobody could greet for ``QUIET_SECONDS``: it may have been away.
        """
        ...

    def take(self, name: str, ends: float, least: int, most: int, limit: int) -> tuple[int, int]:
        """A block out of a window that ends at ``ends`` (Unix time) and lasts a minute: (amount, taken by all before).

        The amount is 0 when less than ``least`` is left, :data:`UNKNOWN` when what is left is not known.
        """
        ...

    def give(self, name: str, amount: int) -> None:
        """Give what is unused of a block back, while its window lasts."""
        ...

    def hold(self, name: str, owner: str, amount: int, least: int, most: int, limit: int) -> tuple[int, int]:
        """Slots on top of the ``amount`` that this owner says it holds: (more, held by all others).

        With ``most`` 0 it only tells of itself, as it must every few seconds, and ``amount`` may be less than before.
        """
        ...


# KEYS: epoch, last greeting. ARGV: first, longest silence. After a silence workers may have lent unseen.
_GREET: Final = """
local now = tonumber(redis.call('time')[1])
local first = tonumber(ARGV[1]) == 1
local last = tonumber(redis.call('get', KEYS[2]) or now)
if not first and now - last > tonumber(ARGV[2]) then redis.call('set', KEYS[1], now)
else redis.call('set', KEYS[1], first and 0 or now, 'nx') end
redis.call('set', KEYS[2], now)
return 0
"""
# KEYS: counter, epoch. ARGV: window's length, its end, least, most, limit. A share of what is left at most, so that
# blocks shrink towards the end; never less than what the one request needs.
_TAKE: Final = """
local now = tonumber(redis.call('time')[1])
redis.call('set', KEYS[2], now, 'nx')
local ends = tonumber(ARGV[2])
if tonumber(redis.call('get', KEYS[2])) > ends - tonumber(ARGV[1]) then return {-1, 0} end
local taken = tonumber(redis.call('get', KEYS[1]) or '0')
local free = tonumber(ARGV[5]) - taken
if free < tonumber(ARGV[3]) or ends < now then return {0, taken} end
local amount = math.min(free, math.max(tonumber(ARGV[4]), math.floor(free / 16)))
redis.call('incrby', KEYS[1], amount)
redis.call('expireat', KEYS[1], ends + 60)
return {amount, taken}
"""
_GIVE: Final = """
if redis.call('exists', KEYS[1]) == 1 then redis.call('decrby', KEYS[1], ARGV[1]) end
return 0
"""
# KEYS: hash of owners, epoch. ARGV: owner, amount, least, most, limit, seconds until an owner counts as gone.
_HOLD: Final = """
local now = tonumber(redis.call('time')[1])
redis.call('set', KEYS[2], now, 'nx')
local seconds = tonumber(ARGV[6])
local others = 0
local all = redis.call('hgetall', KEYS[1])
for i = 1, #all, 2 do
  local amount, told = string.match(all[i + 1], '(%d+):(%d+)')
  if tonumber(told) + seconds < now then redis.call('hdel', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then others = others + tonumber(amount) end
end
local held = tonumber(ARGV[2])
local more = 0
local most = tonumber(ARGV[4])
if most > 0 then
  if tonumber(redis.call('get', KEYS[2])) + seconds > now then more = -1
  else
    local free = tonumber(ARGV[5]) - others - held
    if free >= tonumber(ARGV[3]) then more = math.min(free, math.max(most, math.floor(free / 16))) end
  end
end
held = held + math.max(more, 0)
if held > 0 then
  redis.call('hset', KEYS[1], ARGV[1], held .. ':' .. now)
  redis.call('expire', KEYS[1], seconds * 2)
else redis.call('hdel', KEYS[1], ARGV[1]) end
return {more, others}
"""


class ValkeyStopwatch:
    """The real one. ``url`` as Celery takes it. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        client = redis.Redis.from_url(
            url.replace("redis+socket://", "unix://", 1),
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )
        self._client = client
        self._greet = client.register_script(_GREET)
        self._take = client.register_script(_TAKE)
        self._give = client.register_script(_GIVE)
        self._hold = client.register_script(_HOLD)
        self._silent_until = 0.0

    def greet(self, *, first: bool) -> None:
        """Raises :class:`StopwatchDown`."""
        self._try(self._greet, [_EPOCH, _LAST], [int(first), QUIET_SECONDS])

    def take(self, name: str, ends: float, least: int, most: int, limit: int) -> tuple[int, int]:
        """Raises :class:`StopwatchDown`."""
        return _pair(self._try(self._take, [_key(name), _EPOCH], [MINUTE, int(ends), least, most, limit]))

    def give(self, name: str, amount: int) -> None:
        """Raises :class:`StopwatchDown`."""
        self._try(self._give, [_key(name)], [amount])

    def hold(self, name: str, owner: str, amount: int, least: int, most: int, limit: int) -> tuple[int, int]:
        """Raises :class:`StopwatchDown`."""
        return _pair(self._try(self._hold, [_key(name), _EPOCH], [owner, amount, least, most, limit, SLOT_SECONDS]))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _try(self, script: Any, keys: list[str], args: list[object]) -> Any:  # noqa: ANN401 - redis carries no types here
        if clock.monotonic() < self._silent_until:
            raise StopwatchDown(retry_after=int(SILENCE))
        try:
            return script(keys=keys, args=args)
        except (redis.RedisError, OSError) as error:
            self._silent_until = clock.monotonic() + SILENCE
            raise StopwatchDown(f"Valkey does not answer: {type(error).__name__}", retry_after=1) from error


def _key(name: str) -> str:
    return f"appliance:quota:{name}"


def _pair(answer: Any) -> tuple[int, int]:  # noqa: ANN401 - redis carries no types here
    first, second = cast("list[int]", answer)
    return int(first), int(second)


class MemoryStopwatch:
    """One inside a process; ``alive = False`` makes it a dead one, ``knows = False`` one that was just restarted."""

    def __init__(self) -> None:
        self.alive = True
        self.knows = True
        self._taken: dict[str, int] = {}
        self._held: dict[str, dict[str, int]] = {}
        self._lock = threading.Lock()

    def greet(self, *, first: bool) -> None:  # noqa: ARG002 - `knows` says what it remembers
        """As the real one."""
        self._living()

    def take(self, name: str, ends: float, least: int, most: int, limit: int) -> tuple[int, int]:
        """As the real one; windows end by their names."""
        self._living()
        with self._lock:
            taken = self._taken.get(name, 0)
            if not self.knows:
                return UNKNOWN, 0
            amount = _block(limit - taken, least, most) if clock.now().timestamp() <= ends else 0
            self._taken[name] = taken + amount
            return amount, taken

    def give(self, name: str, amount: int) -> None:
        """As the real one."""
        self._living()
        with self._lock:
            self._taken[name] = self._taken.get(name, 0) - amount

    def hold(self, name: str, owner: str, amount: int, least: int, most: int, limit: int) -> tuple[int, int]:
        """As the real one; an owner is never gone."""
        self._living()
        with self._lock:
            held = self._held.setdefault(name, {})
            others = sum(each for who, each in held.items() if who != owner)
            more = 0
            if most > 0:
                more = _block(limit - others - amount, least, most) if self.knows else UNKNOWN
            held[owner] = amount + max(more, 0)
            return more, others

    def _living(self) -> None:
        if not self.alive:
            raise StopwatchDown(retry_after=int(SILENCE))


def _block(free: int, least: int, most: int) -> int:
    return 0 if free < least else min(free, max(most, free // 16))
