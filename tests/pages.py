"""Markdown as GitHub shows it: headings and their anchors, code blocks, links, and what breaks a formula."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

# A misspelt command is shown in red on the page and nowhere else. A page that needs another one adds it here.
COMMAND = re.compile(
    r"""
    alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|varphi|psi|omega
    |Gamma|Delta|Theta|Lambda|Sigma|Phi|Psi|Omega|ell|nabla|partial|infty
    |bar|hat|tilde|frac|tfrac|dfrac|sqrt|sum|prod|int|text|mathrm|mathbf|mathbb|mathcal|mathtt|begin|end|cr|left|right
    |exp|log|max|min|arg|sin|cos|tan|sinh|cosh|tanh|lim
    |langle|rangle|lvert|rvert|lVert|rVert|lbrace|rbrace|lfloor|rfloor|lceil|rceil
    |lt|gt|le|ge|ne|approx|sim|to|in|mid|quad|qquad|enspace|thinspace|dots|cdots|cdot|times|odot|circ|ast|pm|top
    """,
    re.VERBOSE,
)
BEFORE, AFTER = " \n(", " \n.,;:!?)"  # what may stand around inline mathematics


class Heading(NamedTuple):
    level: int
    title: str
    anchor: str
    body: str  # up to the next heading of this level or a higher one


def prose(text: str) -> str:
    """The text without code, line for line."""
    without_blocks = re.sub(r"^```.*?^```$", lambda m: "\n" * m[0].count("\n"), text, flags=re.S | re.M)
    return re.sub(r"`[^`\n]+`", "code", without_blocks)


def headings(text: str) -> list[Heading]:
    """All headings; a title that comes again gets an anchor with a number, as on GitHub."""
    visible = re.sub(r"^```.*?^```$", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S | re.M)
    found = [(m.start(), len(m[1]), m[2].strip()) for m in re.finditer(r"^(#{1,6}) +(.+)$", visible, re.M)]
    seen: dict[str, int] = {}
    result = []
    for i, (start, level, title) in enumerate(found):
        anchor = _slug(title)
        seen[anchor] = seen.get(anchor, -1) + 1
        end = next((s for s, other, _ in found[i + 1 :] if other <= level), len(text))
        body = text[start:end].partition("\n")[2]
        result.append(Heading(level, title, f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor, body))
    return result


def _slug(title: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def code_blocks(text: str) -> list[tuple[str, int, str]]:
    """(language, number of the line before the code, code) for each fenced block."""
    return [
        (m[1], text.count("\n", 0, m.start(2)), m[2]) for m in re.finditer(r"^```(\S*)\n(.*?)^```$", text, re.S | re.M)
    ]


def run_blocks(text: str, name: str) -> None:
    """Run the Python blocks in order in one namespace; a traceback shows the page's own lines."""
    namespace: dict[str, object] = {"__name__": name}
    for language, line, source in code_blocks(text):
        if language == "python":
            exec(compile("\n" * line + source, name, "exec"), namespace)


def broken_links(text: str, path: Path) -> list[str]:
    """The relative links of a page at `path` that lead to no file, or to no heading."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(text)) + re.findall(r'\b(?:href|src)="([^"]+)"', prose(text))
    return [target for target in targets if not re.match(r"(https?|mailto):", target) and not _resolves(target, path)]


def _resolves(target: str, path: Path) -> bool:
    name, _, anchor = target.partition("#")
    file = (path.parent / name).resolve() if name else path
    if not (file == path or (file.is_relative_to(ROOT) and file.exists())):
        return False
    if not anchor:
        return bool(name)
    return file.suffix == ".md" and anchor in {heading.anchor for heading in headings(file.read_text(encoding="utf-8"))}


def math_faults(text: str) -> list[str]:
    """What GitHub would not show as a formula, or show wrongly: its Markdown reads the text before its TeX does."""
    faults, formulas = [], []
    for paragraph in re.split(r"\n\s*\n", prose(text)):
        if "$$" in paragraph:
            display = re.fullmatch(r"\s*\$\$([^$]+)\$\$\s*", paragraph)
            if display:
                formulas.append(display[1])
            else:
                faults.append(f"a display is not a paragraph of its own: {paragraph.strip()[:60]}")
            continue
        for part in re.split(r"\|", paragraph) if paragraph.lstrip().startswith("|") else [paragraph]:
            if part.count("$") % 2:
                faults.append(f"an odd number of $: {part.strip()[:60]}")
                continue
            for m in re.finditer(r"\$([^$]*)\$", part):
                formulas.append(m[1])
                before, after = part[m.start() - 1 : m.start()] or " ", part[m.end() : m.end() + 1] or " "
                if before not in BEFORE or after not in AFTER:
                    faults.append(f"text touches a formula: {before}{m[0]}{after}")
                if "\n" in m[1] or m[1] != m[1].strip() or not m[1]:
                    faults.append(f"a line break or a space within the delimiters: {m[0]!r}")
    return faults + [fault for formula in formulas for fault in _formula_faults(formula)]


def _formula_faults(formula: str) -> list[str]:
    rules = {
        "a backslash before punctuation": r"\\[^A-Za-z]",
        "a character of HTML or Markdown": r"[<>*|#%~`]",
        "a link": r"\]\(",
        "an underscore after punctuation": r"(?:^|[^A-Za-z0-9])_",
        "a line that begins like a list": r"\n\s*(?:[-+=]|\d+[.)])",
    }
    faults = [f"{rule}: {formula}" for rule, pattern in rules.items() if re.search(pattern, formula)]
    depth = 0
    for brace in re.findall(r"[{}]", formula):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            break
    if depth:
        faults.append(f"braces do not balance: {formula}")
    if len(re.findall(r"\\left\b", formula)) != len(re.findall(r"\\right\b", formula)):
        faults.append(f"left and right do not balance: {formula}")
    if re.findall(r"\\begin\{(\w+)\}", formula) != re.findall(r"\\end\{(\w+)\}", formula):
        faults.append(f"begin and end do not match: {formula}")
    unknown = sorted({command for command in re.findall(r"\\([A-Za-z]+)", formula) if not COMMAND.fullmatch(command)})
    return faults + [f"an unknown command {command}: {formula}" for command in unknown]
