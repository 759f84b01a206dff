"""The filter of system calls: what no answer to a task needs and an attacker would try.

Bubblewrap reads it as a classic BPF program (seccomp(2), bwrap(1) --seccomp). Namespaces and limits
isolate already; the filter takes away what reaches round them: kernel memory that no limit counts,
sockets that no network namespace holds, new namespaces, other processes' memory.
"""

from __future__ import annotations

import platform
import struct

from take_home.bubblewrap import SandboxError

Step = tuple[int, int, int, int]  # code, jump if true, jump if false, constant
EPERM, ENOSYS = 1, 38
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
X32 = 0x40000000
# CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID and NET of <linux/sched.h>
NEW_NAMESPACES = 0x7E020000
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
PR_SET_PDEATHSIG = 1
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH of <linux/audit.h>
# The numbers of each call on x86_64 and on aarch64, from the kernel's tables.
# fmt: off
REFUSED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "userfaultfd": (323, 282), "bpf": (321, 280), "perf_event_open": (298, 241),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
    "personality": (135, 92), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "syslog": (103, 116), "acct": (163, 89),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "memfd_secret": (447, 447),
    "fanotify_init": (300, 262), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "clock_adjtime": (305, 266), "adjtimex": (159, 171), "sethostname": (170, 161),
    "setdomainname": (171, 162), "move_pages": (279, 239), "vhangup": (153, 58),
}
# Answered as by a kernel without them, so that libraries take their other way: clone3 keeps its
# flags in memory, where a filter cannot look; a memfd is memory that no limit counts.
UNKNOWN = {
    "clone3": (435, 435), "memfd_create": (319, 279), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
}
# fmt: on
CLONE, SOCKET, PRCTL, IOCTL = (56, 220), (41, 198), (157, 167), (16, 29)


def program() -> bytes:
    """The filter for this machine, as an array of `struct sock_filter`.

    Raises:
        SandboxError: the processor's numbers of system calls are not in the table.
    """
    machine = platform.machine()
    if machine not in MACHINES:
        raise SandboxError(f"Grade on {' or '.join(MACHINES)}: the sandbox does not know {machine}")
    column = list(MACHINES).index(machine)
    steps: list[Step] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, MACHINES[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        # x32 has the same architecture and other numbers; aarch64 has no calls so high.
        *_when(AT_LEAST, X32, ERRNO | ENOSYS),
        *_of_arguments(column),
    ]
    for numbers, error in ((REFUSED, EPERM), (UNKNOWN, ENOSYS)):
        for columns in numbers.values():
            steps += _when(EQUAL, columns[column], ERRNO | error)
    steps.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _when(test: int, value: int, answer: int) -> list[Step]:
    """Answers if the loaded word passes the test, else goes on."""
    return [(test, 0, 1, value), (RETURN, 0, 0, answer)]


def _of_arguments(column: int) -> list[Step]:
    """Calls that are refused for some values of an argument, of which the low half is looked at."""
    sockets = [(EQUAL, 3 - i, 0, family) for i, family in enumerate((AF_UNIX, AF_INET, AF_INET6))]
    refuse = (RETURN, 0, 0, ERRNO | EPERM)
    return [
        *_looked_at(CLONE[column], 0, _when(ANY_BIT, NEW_NAMESPACES, ERRNO | EPERM)),
        *_looked_at(PRCTL[column], 0, _when(EQUAL, PR_SET_PDEATHSIG, ERRNO | EPERM)),
        *_looked_at(
            IOCTL[column],
            1,
            _when(EQUAL, TIOCSTI, ERRNO | EPERM) + _when(EQUAL, TIOCLINUX, ERRNO | EPERM),
        ),
        *_looked_at(SOCKET[column], 0, [*sockets, refuse]),
    ]


def _looked_at(call: int, argument: int, tests: list[Step]) -> list[Step]:
    """The tests of one argument of a call, after which the call's number is loaded again."""
    return [
        (EQUAL, 0, len(tests) + 1, call),
        (LOAD, 0, 0, ARGUMENTS + 8 * argument),
        *tests,
        (LOAD, 0, 0, NUMBER),
    ]
