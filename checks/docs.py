"""The documents keep their word: links lead somewhere, examples parse, each `make` target they name exists.

Only Markdown is read. Addresses on other hosts are not fetched.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from checks import tracked

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<info>[^`\n]*)$")
HEADING = re.compile(r"^#{1,6} +(?P<title>.*?)(?: +#+)?$")
LINK = re.compile(
    r"!?\[[^\]\n]*\]\((?P<target><[^>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?: +[\"'][^\n]*?[\"'])?\)"
)
DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]: +(?P<target>\S+)")
CODE = re.compile(r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)")
MAKE = re.compile(r"^\s*(?:\$ +)?make +(?P<words>[^#&|;`]*)")
TARGET = re.compile(r"^(?P<name>[A-Za-z][\w-]*) *:(?!=)", re.MULTILINE)
EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Example:
    """A fenced block: its language, its text, and the line of its fence (from 1)."""

    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Document:
    """A Markdown file taken apart: prose lines with their numbers, and the fenced blocks between them."""

    path: Path
    prose: tuple[tuple[int, str], ...]
    examples: tuple[Example, ...]

    def anchors(self) -> set[str]:
        """Return the fragment names of the headings, as the usual hosts derive them, and explicit ids."""
        seen: dict[str, int] = {}
        names = set()
        for _, line in self.prose:
            names.update(re.findall(r"<[^>]*\b(?:id|name)=\"([^\"]+)\"", line))
            heading = HEADING.match(line)
            if heading is None:
                continue
            title = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading["title"]).lower()
            slug = "".join(c for c in title if c.isalnum() or c in " -_").replace(" ", "-")
            count = seen.get(slug, 0)
            seen[slug] = count + 1
            names.add(f"{slug}-{count}" if count else slug)
        return names


def read(path: Path) -> Document:
    """Take the Markdown file `path` apart. A block that is never closed runs to the end of the file."""
    prose: list[tuple[int, str]] = []
    examples: list[Example] = []
    fence: re.Match[str] | None = None
    start, block = 0, list[str]()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        mark = FENCE.match(line)
        if fence is None and mark is not None:
            fence, start, block = mark, number, []
        elif fence is None:
            prose.append((number, line))
        elif mark is not None and mark["ticks"].startswith(fence["ticks"]) and not mark["info"].strip():
            examples.append(_example(fence, start, block))
            fence = None
        else:
            block.append(line.removeprefix(fence["indent"]))
    if fence is not None:
        examples.append(_example(fence, start, block))
    return Document(path, tuple(prose), tuple(examples))


def _example(fence: re.Match[str], line: int, block: list[str]) -> Example:
    language = fence["info"].split()
    return Example(language[0].lower() if language else "", "\n".join(block) + "\n", line)


PARSERS: dict[str, Callable[[str], object]] = {"python": ast.parse, "toml": tomllib.loads, "json": json.loads}


def problems(root: Path) -> Iterator[str]:
    """Yield a sentence for each broken link, example that does not parse, and unknown target of make."""
    documents = {path.resolve(): read(path) for path in tracked.files(root, ".md")}
    targets = set(TARGET.findall((root / "Makefile").read_text(encoding="utf-8")))
    for document in documents.values():
        place = document.path.relative_to(root)
        for number, target in _links(document):
            fault = _broken(root, document, target, documents)
            if fault:
                yield f"{place}:{number}: {fault}"
        for example in document.examples:
            parse = PARSERS.get(example.language)
            if parse is None:
                continue
            try:
                parse(example.text)
            except ValueError as error:  # includes the errors of JSON and TOML
                yield f"{place}:{example.line}: the {example.language} example does not parse: {error}"
            except SyntaxError as error:
                yield f"{place}:{example.line}: the python example does not parse: {error}"
        for number, name in _make_targets(document):
            if name not in targets:
                yield f"{place}:{number}: 'make {name}' is named, but the Makefile has no such target"


def _links(document: Document) -> Iterator[tuple[int, str]]:
    for number, line in document.prose:
        visible = CODE.sub("", line)
        definition = DEFINITION.match(visible)
        for link in [definition] if definition else LINK.finditer(visible):
            yield number, link["target"].strip("<>")


def _broken(root: Path, document: Document, target: str, documents: dict[Path, Document]) -> str | None:
    if EXTERNAL.match(target):
        return None
    name, _, anchor = target.partition("#")
    path = (document.path.parent / unquote(name)).resolve() if name else document.path.resolve()
    if target.startswith("/") or not path.is_relative_to(root.resolve()):
        return f"the link '{target}' leaves the repository"
    if not path.exists():
        return f"the link '{target}' leads to no file"
    if anchor and path in documents and unquote(anchor) not in documents[path].anchors():
        return f"the link '{target}' names no heading of {path.name}"
    return None


def _make_targets(document: Document) -> Iterator[tuple[int, str]]:
    for number, line in document.prose:
        for code in CODE.finditer(line):
            for name in _words(code["code"]):
                yield number, name
    for example in document.examples:
        if example.language in {"sh", "bash", "shell", "console", ""}:
            for offset, line in enumerate(example.text.splitlines(), 1):
                for name in _words(line):
                    yield example.line + offset, name


def _words(command: str) -> Iterator[str]:
    made = MAKE.match(command)
    if made is not None:
        for word in made["words"].split():
            if re.fullmatch(r"[a-z][a-z-]*", word):
                yield word
            else:
                break  # a variable, or the start of prose
