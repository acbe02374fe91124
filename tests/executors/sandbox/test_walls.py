"""The tables of system calls: consistent in themselves, and what the kernel's headers say."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from sqlrl.executors.sandbox import walls

# Calls of x86_64 alone: later architectures have only what came in their place, which both tables name.
OLD = {
    "chmod", "chown", "creat", "fork", "futimesat", "inotify_init", "ioperm", "iopl", "lchown", "link", "mkdir",
    "mknod", "rename", "rmdir", "symlink", "unlink", "uselib", "utime", "utimes", "vfork",
}  # fmt: skip
HEADERS = {
    "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
    "aarch64": "/usr/include/asm-generic/unistd.h",
}
UNIFIED = 424  # from this number on, all architectures count alike


def test_both_tables_name_the_same_calls() -> None:
    assert set(walls._DENIED["x86_64"]) - set(walls._DENIED["aarch64"]) == OLD
    assert set(walls._DENIED["aarch64"]) <= set(walls._DENIED["x86_64"])


@pytest.mark.parametrize("machine", sorted(HEADERS))
def test_no_number_stands_for_two_calls(machine: str) -> None:
    numbers = list(walls._DENIED[machine].values())
    numbers += [number for number in (*walls._OPEN[machine], *walls._CLONE[machine]) if number is not None]
    assert len(set(numbers)) == len(numbers)


def test_newer_calls_have_one_number_everywhere() -> None:
    for name, number in walls._DENIED["aarch64"].items():
        if number >= UNIFIED or walls._DENIED["x86_64"][name] >= UNIFIED:
            assert walls._DENIED["x86_64"][name] == number, name


@pytest.mark.parametrize("machine", sorted(HEADERS))
def test_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    """Where the headers are installed; a call that is younger than they are is left out."""
    header = Path(HEADERS[machine])
    if not header.exists():
        pytest.skip("the kernel's headers are not installed")
    defined: dict[str, int] = {}
    for line in header.read_text().splitlines():
        if found := re.fullmatch(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\s*", line):
            defined.setdefault(found[1], int(found[2]))
    ours = {**walls._DENIED[machine], "openat": walls._OPEN[machine][1] or 0, "clone": walls._CLONE[machine][0]}
    for name, number in ours.items():
        assert number == defined.get(name, number), name
    missing = {name for name in ours if name not in defined}
    assert all(ours[name] > 450 for name in missing), missing


@pytest.mark.parametrize("machine", sorted(HEADERS))
def test_the_filter_does_what_the_tables_say(machine: str) -> None:
    """The program is run here, instruction by instruction, as the kernel would."""
    refused, missing, allowed = 0x00050001, 0x00050026, 0x7FFF0000
    for number in walls._DENIED[machine].values():
        assert _run(machine, number) == refused
    for read in (0, 63, 999):
        assert _run(machine, read) == (allowed if read not in walls._DENIED[machine].values() else refused)
    fork, clone3 = walls._CLONE[machine]
    assert _run(machine, clone3) == missing
    assert _run(machine, fork) == refused
    assert _run(machine, fork, first=walls._CLONE_THREAD) == allowed
    openat = walls._OPEN[machine][1]
    assert openat is not None
    for flags in (0, 0o2000000):
        assert _run(machine, openat, third=flags) == allowed
    for flags in (0o1, 0o2, 0o100, 0o1000, 0o20000000 | 0o200000):
        assert _run(machine, openat, third=flags) == refused
    other = "x86_64" if machine == "aarch64" else "aarch64"
    assert _run(machine, 0, claimed=other) == 0x80000000


def _run(machine: str, number: int, *, first: int = 0, third: int = 0, claimed: str | None = None) -> int:
    """What the filter returns for a system call; `claimed` is the architecture it is made for."""
    data = struct.pack("<IIQ6Q", number, walls._AUDIT[claimed or machine], 0, first, 0, third, 0, 0, 0)
    program, at, value = walls._program(machine), 0, 0
    while True:
        code, if_true, if_false, operand = program[at]
        at += 1
        if code == walls._LOAD:
            (value,) = struct.unpack_from("<I", data, operand)
        elif code == walls._RETURN:
            return operand
        else:
            holds = {
                walls._EQUAL: value == operand,
                walls._AT_LEAST: value >= operand,
                walls._ANY_BIT: bool(value & operand),
            }
            at += if_true if holds[code] else if_false
