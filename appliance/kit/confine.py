"""Walls around a process that reads hostile bytes, so that whoever takes it over has nothing: no files, no sockets.

Landlock (Linux 5.13) shuts the file system but for what is named, and needs no privilege; a seccomp filter takes the
system calls that reach other processes, the network or the kernel's less trodden parts. Both hold for good, for all
that the process starts, and leave open what it has open already. Numbers: the kernel's ``landlock.h``, ``seccomp.h``,
``unistd.h``. Standard library only.
"""

import ctypes
import errno
import os
import platform
import struct
import sysconfig
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PR_GET_SECCOMP, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 21, 22, 38
_FILTER_MODE: Final = 2
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_READ: Final = 1 << 2 | 1 << 3
"""To read a file, and a directory."""
_ACCESSES: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many kinds of access to files a version of Landlock knows, where it knows more than the one before."""
_TCP_SINCE, _SCOPES_SINCE = 4, 6
_BOTH: Final = 0b11
"""To bind and to connect TCP; abstract sockets and signals of others."""

_ARCHITECTURES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_TAKEN: Final = {
    "socket": (41, 198), "socketpair": (53, 199), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202),
    "connect": (42, 203), "sendto": (44, 206), "sendmsg": (46, 211),
    "clone": (56, 220), "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "prlimit64": (302, 261), "setpriority": (141, 140),
    "sched_setaffinity": (203, 122), "move_pages": (279, 239),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "semop": (65, 193),
    "semctl": (66, 191), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "mq_open": (240, 180), "mq_unlink": (241, 181),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "perf_event_open": (298, 241),
    "bpf": (321, 280), "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "unshare": (272, 97), "setns": (308, 268), "chroot": (161, 51),
    "mount": (165, 40), "umount2": (166, 39), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "mount_setattr": (442, 442), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
}  # fmt: skip
"""System calls that are refused, by their numbers on x86_64 and aarch64."""
_CLONE3: Final = 435
_X32: Final = 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


@dataclass(frozen=True, slots=True)
class Offered:
    """What the kernel has. ``files``: Landlock's version, 0 for none. ``calls``: seccomp, with numbers that we know."""

    files: int
    calls: bool


def offered() -> Offered:
    """Look at this kernel."""
    version = _kernel().syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)
    filters = _kernel().prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0
    return Offered(max(version, 0), filters and platform.machine() in _ARCHITECTURES)


def missing(has: Offered) -> tuple[str, ...]:
    """What this kernel does not offer, as sentences; none where hostile bytes are read behind both walls."""
    told = []
    if not has.files:
        told.append(
            "This kernel has no Landlock: a parser that a file took over could read what its user may read. "
            "Use Linux 5.13 or newer with Landlock among its security modules (lsm=)."
        )
    elif has.files < _TCP_SINCE:
        told.append(
            f"This kernel's Landlock ({has.files}) does not know of the network: the filter of calls alone shuts it."
        )
    if not has.calls:
        told.append(
            "This kernel or processor has no filter of system calls that we know (seccomp, on x86-64 and aarch64): "
            "a parser that a file took over could start processes and open sockets."
        )
    return tuple(told)


class Walls:
    """Made once, where the readable directories can be opened; put up in each process that shall be shut in."""

    def __init__(self, readable: Iterable[Path] = ()) -> None:
        self._offered = offered()
        self._rules = _ruleset(self._offered.files, readable) if self._offered.files else None
        self._program = _program(platform.machine()) if self._offered.calls else b""

    def put_up(self) -> None:
        """Shut this process in, for good; it must have one thread. Raises OSError where the kernel does not do it."""
        _checked(_kernel().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        if self._rules is not None:
            _checked(_kernel().syscall(_RESTRICT, self._rules, 0))
            os.close(self._rules)
        if self._program:
            held = ctypes.create_string_buffer(self._program, len(self._program))
            length = len(self._program) // 8
            filters = ctypes.create_string_buffer(struct.pack("@HP", length, ctypes.addressof(held)))
            _checked(_kernel().prctl(_PR_SET_SECCOMP, _FILTER_MODE, filters, 0, 0))


def code() -> tuple[Path, ...]:
    """Where Python's code and ours lie: a library may load a piece of itself late."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    ours = Path(__file__).parents[1]
    return (*(Path(sysconfig.get_path(name)) for name in names), ours, Path("/usr/lib"), Path("/lib"), Path("/lib64"))


def _kernel() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _ruleset(version: int, readable: Iterable[Path]) -> int:
    """A handle of what may be done: read below these directories, and nothing else."""
    known = _ACCESSES[max(since for since in _ACCESSES if since <= version)]
    handled = [(1 << known) - 1]
    if version >= _TCP_SINCE:
        handled.append(_BOTH)
    if version >= _SCOPES_SINCE:
        handled.append(_BOTH)
    attributes = struct.pack(f"={len(handled)}Q", *handled)
    rules = _checked(_kernel().syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0))
    for path in readable:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            beneath = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _checked(_kernel().syscall(_ADD, rules, _PATH_BENEATH, struct.pack("=Qi", _READ, beneath), 0))
            finally:
                os.close(beneath)
    return rules


def _program(machine: str) -> bytes:
    """The filter in the kernel's classic BPF: of another architecture's calls none, of ours all but those taken."""
    column, architecture = _ARCHITECTURES[machine]
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    steps += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _REFUSE | errno.EPERM)]
    steps += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _REFUSE | errno.ENOSYS)]
    for numbers in _TAKEN.values():
        if (number := numbers[column]) is not None:
            steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE | errno.EPERM)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
