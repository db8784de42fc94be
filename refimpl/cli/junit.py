"""Grades as JUnit XML, which grading systems and continuous integration read."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from ..gradcheck.report import told
from ..grade import FunctionGrade
from ..userfile import UserFileError

NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def ready(text: str) -> Path:
    """The file to write, or UserFileError at once rather than after the work."""
    path = Path(text)
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise UserFileError(f"{text}: it cannot be written")
    return path


def write(path: Path, source: str, against: str, grades: Sequence[FunctionGrade], points: Mapping[str, float]) -> None:
    """A suite for each function, a test case for each aspect; the file is there whole, or not at all."""
    root = ElementTree.Element("testsuites", name=_text(source))
    for grade in grades:
        _suite(root, source, against, grade, points)
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    root.set("skipped", "0")
    root.set("time", f"{sum(grade.seconds for grade in grades):.3f}")
    ElementTree.indent(root)
    data = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(unfinished, 0o644)
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise


def _suite(
    root: ElementTree.Element, source: str, against: str, grade: FunctionGrade, points: Mapping[str, float]
) -> None:
    kind = "error" if grade.stopped else "failure"
    suite = ElementTree.SubElement(root, "testsuite", name=_text(grade.name))
    properties = ElementTree.SubElement(suite, "properties")
    facts = {
        "file": source,
        "against": against,
        "points": f"{grade.total(points):.6g}",
        "possible": f"{grade.possible(points):.6g}",
    }
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", name=name, value=_text(value))
    failed = 0
    for aspect, made in grade.made.items():
        share = grade.seconds / len(grade.made)
        test = ElementTree.SubElement(
            suite, "testcase", classname=_text(f"{Path(source).stem}.{grade.name}"), name=aspect, time=f"{share:.3f}"
        )
        if grade.passed[aspect] == made:
            continue
        failed += 1
        flaws = [flaw for flaw in grade.flaws if flaw.aspect == aspect]
        first = flaws[0]
        lines = [f"{grade.passed[aspect]} of {made} checks passed"]
        for flaw in flaws:
            lines.append(f"case '{flaw.case}': {flaw.message}" if flaw.case else flaw.message)
            lines += [f"  {line}" for line in (told(flaw.diagnosis) if flaw.diagnosis else ())]
        found = ElementTree.SubElement(
            test, kind, message=_text(first.message), type=first.diagnosis.kind if first.diagnosis else aspect
        )
        found.text = _text("\n".join(lines))
    if grade.printed:
        ElementTree.SubElement(suite, "system-out").text = _text(grade.printed)
    suite.set("tests", str(len(grade.made)))
    suite.set("failures", str(0 if grade.stopped else failed))
    suite.set("errors", str(failed if grade.stopped else 0))
    suite.set("skipped", "0")
    suite.set("time", f"{grade.seconds:.3f}")


def _text(text: str) -> str:
    """Without the characters that XML has no place for."""
    return NOT_IN_XML.sub("�", text)
