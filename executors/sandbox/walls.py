"""The walls around a worker: what the operating system itself refuses it, whatever a query makes the engine do.

Each wall is raised where the system has it, and the report says which hold; none is silently missing. They are raised
once, after every import that the worker will need. What they do not cover: processor caches, and a kernel's own faults.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import sys
from collections.abc import Sequence

__all__ = ["WALLS", "raise_walls"]

WALLS = ("parent-death", "rlimits", "no-new-privileges", "landlock", "seccomp")
HELD = "held"
OPEN_FILES = 64  # beside those of the source

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22
_SECCOMP_MODE_FILTER = 2
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_READ_FILE, _LANDLOCK_READ_DIR = 1 << 2, 1 << 3
_O_PATH, _O_CLOEXEC = 0o10000000, 0o2000000


def raise_walls(readable: Sequence[str], memory_bytes: int, parent: int) -> dict[str, str]:
    """Raise every wall that this system has; what each came to: "held", or why it does not hold.

    readable: the only files and folders that may be opened, and only to be read. memory_bytes: address space beyond
    what the process has now. parent: process id of the pool, to notice that it died before the first wall stood.
    """
    report: dict[str, str] = {}
    for name, wall in (
        ("parent-death", lambda: _die_with(parent)),
        ("rlimits", lambda: _limit_resources(memory_bytes, len(readable))),
        ("no-new-privileges", _give_up_privileges),
        ("landlock", lambda: _close_file_system(readable)),
        ("seccomp", _filter_calls),
    ):
        try:
            wall()
            report[name] = HELD
        except (OSError, AttributeError, ImportError, ValueError) as error:
            report[name] = str(error) or type(error).__name__
    return report


def _libc() -> ctypes.CDLL:
    if not sys.platform.startswith("linux"):
        raise OSError(f"not on {sys.platform}")
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _die_with(parent: int) -> None:
    _check(_libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:  # it died before this line: nobody would be told
        os._exit(0)


def _limit_resources(memory_bytes: int, files: int) -> None:
    import resource

    with open("/proc/self/statm") as statm:
        now = int(statm.read().split()[0]) * resource.getpagesize()
    for kind, value in (
        (resource.RLIMIT_AS, now + memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES + files),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _give_up_privileges() -> None:
    _check(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def _close_file_system(readable: Sequence[str]) -> None:
    """Landlock: every kind of access to files is handled, and only reading below `readable` is granted."""
    libc = _libc()
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 0:
        raise OSError("this kernel has no landlock")
    file_rights = (1 << 13) - 1  # version 1: execute ... make_sym
    for since, bit in ((2, 13), (3, 14), (5, 15)):  # refer, truncate, ioctl_dev
        if version >= since:
            file_rights |= 1 << bit
    network_rights = 0b11 if version >= 4 else 0  # bind and connect, TCP
    attributes = struct.pack("<QQ", file_rights, network_rights)[: 16 if version >= 4 else 8]
    ruleset = _check(
        libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)),
        "landlock_create_ruleset",
    )
    try:
        for path in readable:
            try:
                opened = os.open(path, _O_PATH | _O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                rights = _LANDLOCK_READ_FILE | (_LANDLOCK_READ_DIR if os.path.isdir(path) else 0)
                rule = struct.pack("<Qi", rights, opened)
                _check(
                    libc.syscall(_LANDLOCK_ADD_RULE, ruleset, ctypes.c_int(1), rule, ctypes.c_uint32(0)),
                    "landlock_add_rule",
                )
            finally:
                os.close(opened)
        _check(libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)), "landlock_restrict_self")
    finally:
        os.close(ruleset)


# System calls that a worker never needs, by architecture: starting and reaching other processes, the network, changing
# files, changing the system. An unknown number is allowed: a new C library must not break reading a database.
_DENIED = {
    "x86_64": {
        "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "kill": 62, "tkill": 200, "tgkill": 234,
        "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_open": 434, "pidfd_getfd": 438,
        "pidfd_send_signal": 424, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297,
        "socket": 41, "socketpair": 53, "connect": 42, "accept": 43, "accept4": 288, "bind": 49, "listen": 50,
        "sendto": 44, "sendmsg": 46, "sendmmsg": 307,
        "unlink": 87, "unlinkat": 263, "rename": 82, "renameat": 264, "renameat2": 316, "link": 86, "linkat": 265,
        "symlink": 88, "symlinkat": 266, "mkdir": 83, "mkdirat": 258, "rmdir": 84, "mknod": 133, "mknodat": 259,
        "truncate": 76, "ftruncate": 77, "fallocate": 285, "chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452,
        "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260, "utime": 132, "utimes": 235, "utimensat": 280,
        "futimesat": 261, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197,
        "lremovexattr": 198, "fremovexattr": 199, "setxattrat": 463, "removexattrat": 466, "file_setattr": 469,
        "creat": 85, "openat2": 437, "open_by_handle_at": 304, "memfd_create": 319, "memfd_secret": 447,
        "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "move_mount": 429, "open_tree": 428,
        "open_tree_attr": 467, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442,
        "quotactl": 179, "quotactl_fd": 443, "setns": 308, "unshare": 272,
        "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "keyctl": 250, "add_key": 248, "request_key": 249,
        "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320,
        "reboot": 169, "swapon": 167, "swapoff": 168, "sethostname": 170, "setdomainname": 171, "iopl": 172,
        "ioperm": 173, "acct": 163, "settimeofday": 164, "clock_settime": 227, "adjtimex": 159,
        "clock_adjtime": 305, "syslog": 103, "vhangup": 153, "uselib": 134, "setfsuid": 122, "setfsgid": 123,
        "setuid": 105, "setgid": 106, "setreuid": 113, "setregid": 114, "setresuid": 117, "setresgid": 119,
        "setgroups": 116, "capset": 126, "personality": 135, "setpgid": 109, "setsid": 112,
        "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "inotify_init": 253,
        "inotify_init1": 294, "fanotify_init": 300, "shmget": 29, "msgget": 68, "semget": 64, "mq_open": 240,
        "mq_unlink": 241,
    },
    # The kernel's generic table. Untested: no such machine was at hand.
    "aarch64": {
        "execve": 221, "execveat": 281, "kill": 129, "tkill": 130, "tgkill": 131, "ptrace": 117,
        "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_open": 434, "pidfd_getfd": 438,
        "pidfd_send_signal": 424, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
        "socket": 198, "socketpair": 199, "connect": 203, "accept": 202, "accept4": 242, "bind": 200, "listen": 201,
        "sendto": 206, "sendmsg": 211, "sendmmsg": 269,
        "unlinkat": 35, "renameat": 38, "renameat2": 276, "linkat": 37, "symlinkat": 36, "mkdirat": 34, "mknodat": 33,
        "truncate": 45, "ftruncate": 46, "fallocate": 47, "fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "fchown": 55,
        "fchownat": 54, "utimensat": 88, "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14,
        "lremovexattr": 15, "fremovexattr": 16, "setxattrat": 463, "removexattrat": 466, "file_setattr": 469,
        "openat2": 437, "open_by_handle_at": 265, "memfd_create": 279, "memfd_secret": 447,
        "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "move_mount": 429, "open_tree": 428,
        "open_tree_attr": 467, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442,
        "quotactl": 60, "quotactl_fd": 443, "setns": 268, "unshare": 97,
        "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "keyctl": 219, "add_key": 217, "request_key": 218,
        "init_module": 105, "finit_module": 273, "delete_module": 106, "kexec_load": 104, "kexec_file_load": 294,
        "reboot": 142, "swapon": 224, "swapoff": 225, "sethostname": 161, "setdomainname": 162, "acct": 89,
        "settimeofday": 170, "clock_settime": 112, "adjtimex": 171,
        "clock_adjtime": 266, "syslog": 116, "vhangup": 58,
        "setfsuid": 151, "setfsgid": 152,
        "setuid": 146, "setgid": 144, "setreuid": 145, "setregid": 143, "setresuid": 147, "setresgid": 149,
        "setgroups": 159, "capset": 91, "personality": 92, "setpgid": 154, "setsid": 157,
        "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "inotify_init1": 26,
        "fanotify_init": 262, "shmget": 194, "msgget": 186, "semget": 190, "mq_open": 180, "mq_unlink": 181,
    },
}  # fmt: skip
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_OPEN = {"x86_64": (2, 257), "aarch64": (None, 56)}  # open, openat
_CLONE = {"x86_64": (56, 435), "aarch64": (220, 435)}  # clone, clone3
_WRITING = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20000000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE
_CLONE_THREAD = 0x00010000
_EPERM, _ENOSYS = 1, 38
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


def _filter_calls() -> None:
    """Seccomp: the calls above fail with EPERM, opening for writing and forking as well; threads stay possible."""
    machine = platform.machine()
    if machine not in _DENIED:
        raise OSError(f"no system call table for {machine}")
    program = b"".join(struct.pack("<HBBI", *instruction) for instruction in _program(machine))
    buffer = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    filter_program = Program(len(program) // 8, ctypes.addressof(buffer))
    _check(_libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filter_program), 0, 0), "seccomp")


def _program(machine: str) -> list[tuple[int, int, int, int]]:
    """Classic BPF: (code, jump if true, jump if false, operand)."""
    number, architecture, first_argument = 0, 4, 16
    refuse = (_RETURN, 0, 0, _ERRNO | _EPERM)
    program = [
        (_LOAD, 0, 0, architecture),
        (_EQUAL, 1, 0, _AUDIT[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, number),
    ]
    if machine == "x86_64":  # the x32 numbers would walk round the table
        program += [(_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _KILL)]
    for denied in sorted(_DENIED[machine].values()):
        program += [(_EQUAL, 0, 1, denied), refuse]
    clone, clone3 = _CLONE[machine]
    # clone3 hides its flags behind a pointer; told that it does not exist, the C library falls back on clone.
    program += [(_EQUAL, 0, 1, clone3), (_RETURN, 0, 0, _ERRNO | _ENOSYS)]
    program += [
        (_EQUAL, 0, 4, clone),
        (_LOAD, 0, 0, first_argument),
        (_ANY_BIT, 1, 0, _CLONE_THREAD),
        refuse,
        (_RETURN, 0, 0, _ALLOW),
    ]
    for call, flags_argument in zip(_OPEN[machine], (1, 2), strict=True):
        if call is not None:
            program += [
                (_EQUAL, 0, 4, call),
                (_LOAD, 0, 0, first_argument + 8 * flags_argument),
                (_ANY_BIT, 0, 1, _WRITING),
                refuse,
                (_RETURN, 0, 0, _ALLOW),
            ]
    program.append((_RETURN, 0, 0, _ALLOW))
    return program
