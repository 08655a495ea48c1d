"""What a Spring program is configured to: application.properties and .yml of the module, and of those that use it."""

from __future__ import annotations

import posixpath
import re

from accepted_apps.audit.discovery.files import SourceTree

_FILES = ("bootstrap", "application")
_FOLDERS = ("src/main/resources", "src/main/resources/config", "config", "resources", "src/main/webapp/WEB-INF", "")
_CONTEXTS = (
    ("server.servlet.context-path", "server.servlet.contextpath", "server.context-path", "server.contextpath"),
    ("spring.mvc.servlet.path",),
    ("spring.webflux.base-path",),
)
_PROPERTY = re.compile(r"^\s*([^#!\s:=][^\s:=]*)\s*[:=]\s*(.*?)\s*$", re.MULTILINE)
_YAML = re.compile(r"^(\s*)(?:\"([^\"]+)\"|'([^']+)'|([\w.\[\]/-]+))\s*:(?:\s+(.*))?$")
_PLACEHOLDER = re.compile(r"[$#]\{([^${}:]+)(?::([^{}]*))?\}")
_ARTIFACT = re.compile(r"<artifactId>\s*([^<\s]+)\s*</artifactId>")
_PARENT = re.compile(r"<parent>.*?</parent>", re.DOTALL)
_PROJECT = re.compile(r"""project\s*\(?\s*(?:path\s*[:=]\s*)?["']:?([\w:.-]+)["']|projects\.([\w.]+)""")
_BUILDS = ("pom.xml", "build.gradle", "build.gradle.kts")
_OF_A_PROFILE = frozenset({"spring.profiles", "spring.config.activate.on-profile"})
_RESOLVED_DEEP = 5


class Settings:
    """Modules are folders with `src/main`; the program itself is one with a main class that Spring Boot starts."""

    def __init__(self, sources: SourceTree, programs: list[str]) -> None:
        """programs: the files of main classes."""
        self._sources = sources
        self._programs = sorted({module(path) for path in programs})
        self._read: dict[str, dict[str, str]] = {}
        self._users: dict[str, list[str]] = {}
        self._uses: dict[str, set[str]] = {}

    def contexts(self, path: str) -> list[str]:
        """The prefixes under which a program serves what the file declares; [""] where it is configured to none."""
        return list(dict.fromkeys(self._context(home) for home in self._homes(path)))

    def resolved(self, written: str, path: str) -> tuple[str, list[str]]:
        """With its placeholders filled in, and the names of those for which nothing is configured."""
        missing: list[str] = []
        for _ in range(_RESOLVED_DEEP):
            if "${" not in written:
                break
            written = _PLACEHOLDER.sub(lambda found: self._placeholder(found, path, missing), written)
        return written, missing

    def _placeholder(self, found: re.Match[str], path: str, missing: list[str]) -> str:
        for home in self._homes(path):
            value = self._of(home).get(_relaxed(found[1]))
            if value is not None:
                return value
        if found[2] is None:
            missing.append(found[1])
        return found[2] or ""

    def _context(self, home: str) -> str:
        parts: list[str] = []
        for names in _CONTEXTS:
            value = next((self._of(home)[name] for name in names if name in self._of(home)), "")
            for _ in range(_RESOLVED_DEEP):
                value = _PLACEHOLDER.sub(lambda found: self._of(home).get(_relaxed(found[1]), found[2] or ""), value)
            parts.append(value.strip().strip("\"'").strip("/"))
        whole = "/".join(part for part in parts if part)
        return f"/{whole}" if whole else ""

    def _homes(self, path: str) -> list[str]:
        """The modules whose configuration counts for a file: its own, or those of the programs that use it."""
        own = module(path)
        if own in self._users:
            return self._users[own]
        if own in self._programs or self._of(own) or not self._programs:
            homes = [own]
        else:
            homes = [each for each in self._programs if own in self._reach(each)] or (
                self._programs if len(self._programs) == 1 else [own]
            )
        self._users[own] = homes
        return homes

    def _reach(self, program: str) -> set[str]:
        """The modules that a program's build names, and what theirs name."""
        if not self._uses:
            self._uses = self._dependencies()
        found: set[str] = set()
        waiting = [program]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self._uses.get(each, set())
        return found

    def _dependencies(self) -> dict[str, set[str]]:
        folders: dict[str, str] = {}
        builds: dict[str, str] = {}
        for path in self._sources.all_files:
            if posixpath.basename(path) in _BUILDS:
                folder, written = posixpath.dirname(path), _PARENT.sub("", self._sources.text(path) or "", count=1)
                builds[folder] = builds.get(folder, "") + written
                own = _ARTIFACT.search(written) if path.endswith(".xml") else None
                folders[own[1] if own else posixpath.basename(folder)] = folder
        return {
            folder: {folders[name] for name in _named(written) if name in folders and folders[name] != folder}
            for folder, written in builds.items()
        }

    def _of(self, home: str) -> dict[str, str]:
        if home not in self._read:
            found: dict[str, str] = {}
            for name in _FILES:
                for folder in _FOLDERS:
                    base = posixpath.join(home, folder, name)
                    for suffix in (".yml", ".yaml", ".properties"):
                        written = self._sources.text(base + suffix) or ""
                        found.update(_yaml(written) if suffix != ".properties" else _properties(written))
            active = found.get("spring.profiles.active", "")
            for profile in re.findall(r"[\w-]+", active)[:3]:
                for suffix in (".yml", ".yaml", ".properties"):
                    base = posixpath.join(home, "src/main/resources", f"application-{profile}{suffix}")
                    written = self._sources.text(base) or ""
                    found.update(_yaml(written) if suffix != ".properties" else _properties(written))
            self._read[home] = found
        return self._read[home]


def module(path: str) -> str:
    """The folder of the Maven or Gradle module of a file; "" is the root."""
    before, found, _ = path.partition("src/main/")
    return before.rstrip("/") if found else ""


def _named(written: str) -> set[str]:
    gradle = {(found[1] or found[2].replace(".", "-")).rpartition(":")[2] for found in _PROJECT.finditer(written)}
    return set(_ARTIFACT.findall(written)) | gradle


def _relaxed(name: str) -> str:
    return name.strip().lower()


def _properties(written: str) -> dict[str, str]:
    first = re.split(r"^#---.*$", written, maxsplit=1, flags=re.MULTILINE)[0]
    return {_relaxed(found[1]): found[2] for found in _PROPERTY.finditer(first)}


def _yaml(written: str) -> dict[str, str]:
    """The plain values of the documents that are for every profile, with the keys above them in front."""
    found: dict[str, str] = {}
    for document in re.split(r"^---.*$", written, flags=re.MULTILINE):
        read = _flat(document)
        if not _OF_A_PROFILE & read.keys() or not found:
            found.update({key: value for key, value in read.items() if key not in found or value})
    return found


def _flat(document: str) -> dict[str, str]:
    found: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in document.split("\n"):
        entry = _YAML.match(line)
        if entry is None or line.lstrip().startswith("#"):
            continue
        indent, key, value = len(entry[1]), entry[2] or entry[3] or entry[4], entry[5] or ""
        while above and above[-1][0] >= indent:
            above.pop()
        name = ".".join([*(name for _, name in above), key])
        value = value if value.startswith(("'", '"')) else re.sub(r"\s+#.*$", "", value)
        if value.strip():
            found[_relaxed(name)] = re.sub(r"^(['\"])(.*?)\1.*$", r"\2", value.strip())
        else:
            above.append((indent, key))
    return found
