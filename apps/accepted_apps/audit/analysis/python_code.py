"""Functions of Python, by `ast`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from .code import Bound, Call, Catch, Code, Function, Loop, Span

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BRANCHES: Final = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.comprehension,
    ast.match_case,
    ast.Assert,
)


def read_python(file: str, text: str, tree: ast.Module) -> Code:
    code = Code(file, "python", text.encode())
    reader = _Reader(code)
    reader.collect(tree, "")
    return code


class _Reader:
    def __init__(self, code: Code) -> None:
        self._code = code
        self._called_on: set[int] = set()
        """Calls on whose results something is called."""
        self._starts = [0]
        for line in code.source.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def collect(self, node: ast.AST, owner: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _FUNCTIONS):
                self._code.functions.append(self._function(child, owner))
            self.collect(child, child.name if isinstance(child, ast.ClassDef) else owner)

    def span(self, node: ast.AST) -> Span:
        line, end = node.lineno, node.end_lineno or node.lineno  # type: ignore[attr-defined]
        start = self._starts[line - 1] + node.col_offset  # type: ignore[attr-defined]
        return Span(start, self._starts[end - 1] + (node.end_col_offset or 0), line, end)  # type: ignore[attr-defined]

    def _around(self, nodes: list[ast.stmt]) -> Span:
        first, last = self.span(nodes[0]), self.span(nodes[-1])
        return Span(first.start, last.end, first.line, last.end_line)

    def text(self, node: ast.AST) -> str:
        return self._code.at(self.span(node))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, owner: str) -> Function:
        span = self.span(node)
        if node.decorator_list:
            first = self.span(node.decorator_list[0])
            span = Span(self._starts[first.line - 1], span.end, first.line, span.end_line)
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        function = Function(
            node.name,
            self._code.file,
            "python",
            span,
            isinstance(node, ast.AsyncFunctionDef),
            tuple(one.arg for one in arguments),
            owner=owner,
        )
        for statement in node.body:
            self._visit(statement, function, (), None, self.span(statement))
        self._blocks(node.body, function)
        return function

    def _visit(
        self, node: ast.AST, function: Function, loops: tuple[Loop, ...], parent: ast.AST | None, statement: Span
    ) -> None:
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
            return
        if isinstance(node, ast.stmt):
            statement = self.span(node)
        function.complexity += self._branches(node)
        if isinstance(node, ast.For | ast.AsyncFor):
            loop = Loop(
                self.span(node),
                self._around(node.body),
                tuple(_names(node.target)),
                self.text(node.iter),
                _counts(node.iter),
            )
            function.loops.append(loop)
            self._visit(node.iter, function, loops, node, statement)
            for inside in node.body:
                self._visit(inside, function, (*loops, loop), node, statement)
            for after in node.orelse:
                self._visit(after, function, loops, node, statement)
            return
        if isinstance(node, ast.While):
            loop = Loop(self.span(node), self._around(node.body), (), self.text(node.test), True)
            function.loops.append(loop)
            loops = (*loops, loop)
        if isinstance(node, _COMPREHENSIONS):
            self._comprehension(node, function, loops, statement)
            return
        if isinstance(node, ast.ExceptHandler):
            function.catches.append(self._catch(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            function.strings.append((self.span(node), node.value))
        if isinstance(node, ast.Call):
            self._call(node, function, loops, parent, statement)
        for child in ast.iter_child_nodes(node):
            self._visit(child, function, loops, node, statement)

    def _comprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        function: Function,
        loops: tuple[Loop, ...],
        statement: Span,
    ) -> None:
        inner = loops
        for part in node.generators:
            function.complexity += 1 + len(part.ifs)
            self._visit(part.iter, function, inner, node, statement)
            whole = self.span(node)
            loop = Loop(whole, whole, tuple(_names(part.target)), self.text(part.iter), _counts(part.iter))
            function.loops.append(loop)
            inner = (*inner, loop)
            for condition in part.ifs:
                self._visit(condition, function, inner, node, statement)
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for element in elements:
            self._visit(element, function, inner, node, statement)

    def _call(
        self, node: ast.Call, function: Function, loops: tuple[Loop, ...], parent: ast.AST | None, statement: Span
    ) -> None:
        match node.func:
            case ast.Attribute(value=value, attr=name):
                target = self.text(value)
                self._called_on.add(id(value))
            case ast.Name(id=name):
                target = ""
            case _:
                return
        given = [*node.args, *node.keywords]
        function.calls.append(
            Call(
                self.span(node),
                name,
                target,
                tuple(self.text(one) for one in given),
                self.text(node),
                statement,
                loops,
                chained=id(node) in self._called_on,
                awaited=isinstance(parent, ast.Await),
            )
        )

    def _catch(self, node: ast.ExceptHandler) -> Catch:
        kind = self.text(node.type) if node.type is not None else ""
        empty = all(
            isinstance(one, ast.Pass) or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
            for one in node.body
        )
        return Catch(
            self.span(node), self._around(node.body), kind in {"", "Exception", "BaseException"}, empty, node.name or ""
        )

    def _blocks(self, statements: list[ast.stmt], function: Function) -> None:
        run: list[Bound] = []
        for statement in statements:
            bound = self._bound(statement)
            if bound is not None:
                run.append(bound)
            elif run:
                function.awaits.append(run)
                run = []
            for name in ("body", "orelse", "finalbody"):
                inner = getattr(statement, name, None)
                if isinstance(inner, list) and not isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
                    self._blocks(inner, function)
        if run:
            function.awaits.append(run)

    def _bound(self, statement: ast.stmt) -> Bound | None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Await(value=ast.Call() as call)):
                return Bound(self.span(statement), (name,), self.text(statement), self.text(call))
        return None

    @staticmethod
    def _branches(node: ast.AST) -> int:
        if isinstance(node, ast.BoolOp):
            return len(node.values) - 1
        return 1 if isinstance(node, _BRANCHES) else 0


def _names(target: ast.AST) -> Iterator[str]:
    return (one.id for one in ast.walk(target) if isinstance(one, ast.Name))


def _counts(over: ast.AST) -> bool:
    return isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range"
