"""YAML that people write: what it says, or in one line what is wrong with it."""

from __future__ import annotations

from typing import Any


class NotYaml(ValueError):
    """A text cannot be read as YAML; says why, and where in it."""


def load_yaml(raw: bytes) -> Any:
    """Read a text. Raises NotYaml.

    Stricter than the parser, which lets the last one win where a key is there twice.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen: set[str] = set()
            # With `!!set` it may be any node, which the parser then refuses.
            for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
                if str(key.value) in seen:
                    raise wrong(key, f"{key.value!r} is there twice")
                seen.add(str(key.value))
            return super().construct_mapping(node, deep)

        def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except (ArithmeticError, AttributeError, LookupError, ValueError):
                # What looks like a date and is none: 2024-99-99. The parser lets pass what fails
                # in it, which with `!!timestamp`, `!!bool` or `!!int` may be any of these.
                kind = node.tag.rpartition(":")[2]
                raise wrong(node, f"no {kind} is written like this") from None

    def wrong(node: yaml.Node, trouble: str) -> Exception:
        return yaml.constructor.ConstructorError(None, None, trouble, node.start_mark)

    try:
        return Loader(raw).get_single_data()
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise NotYaml(f"not valid YAML{_trouble(error)}") from None


def _trouble(error: Exception) -> str:
    # The whole text of the error would quote lines of the file, and there may be passwords in it.
    if isinstance(error, RecursionError):
        return ": nested too deeply"
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    why = getattr(error, "problem", None) or getattr(error, "reason", None)
    return f"{where}: {why or type(error).__name__}"
