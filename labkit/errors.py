"""Every error of labkit: what happened, with which value, and what to do about it."""

from __future__ import annotations


class LabError(Exception):
    """Something labkit cannot do, said in two sentences: what happened, and what to do.

    Attributes:
        problem: what happened, with the value at fault.
        remedy: the next thing to do; may be several lines.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n{self.remedy}".strip()

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the two sentences instead of forty lines of frames."""
        return [f"{type(self).__name__}: {self}"]


# --- finding and opening a daemon -------------------------------------------------------------


class DaemonError(LabError):
    """No conversation with a Docker daemon came about."""


class NoDaemon(DaemonError):
    """Nowhere on this computer is there anything that could be a daemon's socket."""


class SocketMissing(DaemonError):
    """The socket that was named does not exist."""


class SocketForbidden(DaemonError):
    """The socket exists, and the kernel does not let this user write to it: ``unix(7)``."""


class ConnectionRefused(DaemonError):
    """The address exists and nobody listens there."""


class DaemonHung(DaemonError):
    """Somebody listens and does not answer before the deadline."""


class NotADaemon(DaemonError):
    """Somebody answers, and it is not Docker."""


class TLSFailed(DaemonError):
    """The two sides could not agree on who they are: wrong or missing certificate."""


class ApiTooOld(DaemonError):
    """The daemon speaks only versions of the API that docker-py has given up."""


class BadAddress(DaemonError):
    """The address of the daemon is not one that Docker knows."""


class ContextBroken(DaemonError):
    """The current docker context cannot be read or names no address."""


# --- looking at the daemon's host --------------------------------------------------------------


class HostError(LabError):
    """A question about the daemon's host could not be answered."""


class PathMissing(HostError, FileNotFoundError):
    """There is no such file, directory or process on the daemon's host."""


class PathForbidden(HostError, PermissionError):
    """The kernel of the daemon's host refuses to show this path."""


class HelperLost(HostError):
    """The helper container ended, or was removed, in the middle of a question."""


class QuestionTimeout(HostError, TimeoutError):
    """The host did not answer a question before its deadline."""


# --- making things ---------------------------------------------------------------------------


class ImageError(LabError):
    """An image of the course cannot be made, packed or loaded."""


class PartMissing(ImageError):
    """A local part of an image (a static busybox) is not on this computer."""


class ArchiveError(LabError):
    """A tar of images, or a layer in it, is damaged, is not as specified, or claims more than is read."""


class SandboxError(LabError):
    """A container, network or volume could not be brought into the state that was asked for."""


# --- the course --------------------------------------------------------------------------------


class CourseError(LabError):
    """An exercise was used in a way that it does not understand."""


class NotSolved(CourseError):
    """The check ran, and not every point was reached.

    Raised at the end of every failed check, so that a tool that only sees errors (nbval) sees this one.
    """


# --- the embedded machine ----------------------------------------------------------------------


class MachineError(LabError):
    """The embedded machine cannot be started, or ended when it should not."""


class BuildFailed(MachineError):
    """The embedded machine cannot be built on this computer, or its parts were not to be had."""
