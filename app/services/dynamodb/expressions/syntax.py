"""From expression text to nodes: a tokenizer and a recursive-descent parser, precedence climbing for conditions.

Knows nothing of items, names or values; what it returns depends on the text alone and is kept for the texts used last.
Source: Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions" and
"Using update expressions in DynamoDB".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from app.services.dynamodb.expressions.nodes import (
    All,
    Arithmetic,
    Between,
    Compare,
    Condition,
    Function,
    In,
    Not,
    Operand,
    Path,
    Some,
    Step,
    Update,
    ValueRef,
)
from app.services.dynamodb.expressions.reserved import RESERVED
from app.services.dynamodb.refusals import invalid

MAX_BYTES = 4096
MAX_OPERATORS = 300
MAX_CHOICES = 100
MAX_PATH = 32
MAX_INDEX = 2**31 - 1
MAX_DEPTH = 250  # of parentheses: more cannot be without redundant ones or too many operators
KEPT = 2048  # parsed expressions

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<alias>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<index>[0-9]+)|(?P<sign><>|<=|>=|[=<>()\[\].,+-])|(?P<end>\Z)|(?P<bad>.))",
    re.DOTALL,
)
_COMPARATORS = frozenset(["=", "<>", "<", "<=", ">", ">="])
_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
_OR, _AND, _NOT = 1, 2, 3


class _Parser:
    """One expression being parsed. `kind` is the parameter's name, for messages."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        if not text.strip(" \t\r\n"):
            raise self.refuse("The expression can not be empty;")
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > MAX_BYTES:
            raise self.refuse(f"Expression size has exceeded the maximum allowed size; expression size: {size}")
        self.tokens: list[tuple[str, str, int, int]] = []  # kind, text, where it begins and ends
        self.at = 0
        self.operators = 0
        self.depth = 0
        self.wrapped: set[int] = set()  # tokens that follow a parenthesized condition
        here = 0
        while True:
            match = _TOKEN.match(text, here)
            assert match is not None
            what = match.lastgroup or "end"
            begin, here = match.span(what)
            self.tokens.append((what, text[begin:here], begin, here))
            if what == "bad":
                self.at = len(self.tokens) - 1
                raise self.syntax_error()
            if what == "end":
                return

    def refuse(self, message: str) -> Exception:
        return invalid(f"Invalid {self.kind}: {message}")

    def syntax_error(self) -> Exception:
        what, token, _, end = self.tokens[self.at]
        begin = self.tokens[max(self.at - 1, 0)][2]
        if self.at + 1 < len(self.tokens) and self.tokens[self.at + 1][0] != "end":
            end = self.tokens[self.at + 1][3]
        near = self.text[begin:end].strip()
        return self.refuse(f'Syntax error; token: "{"<EOF>" if what == "end" else token}", near: "{near}"')

    def peek(self) -> str:
        return self.tokens[self.at][1]

    def keyword(self) -> str:
        what, token, _, _ = self.tokens[self.at]
        return token.upper() if what == "name" else ""

    def accept(self, sign: str) -> bool:
        what, token, _, _ = self.tokens[self.at]
        if what == "sign" and token == sign:
            self.at += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise self.syntax_error()

    def finish(self) -> None:
        if self.tokens[self.at][0] != "end":
            raise self.syntax_error()

    def count_operator(self) -> None:
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            raise self.refuse(f"The expression contains too many operators; operator count: {self.operators}")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refuse("The expression has redundant parentheses;")

    # Operands

    def path(self) -> Path:
        what, token, _, _ = self.tokens[self.at]
        if what == "name":
            if token.upper() in RESERVED:
                raise self.refuse(f"Attribute name is a reserved keyword; reserved keyword: {token}")
        elif what != "alias":
            raise self.syntax_error()
        self.at += 1
        steps: list[Step] = [token]
        while True:
            if self.accept("."):
                what, token, _, _ = self.tokens[self.at]
                if what == "name":
                    if token.upper() in RESERVED:
                        raise self.refuse(f"Attribute name is a reserved keyword; reserved keyword: {token}")
                elif what != "alias":
                    raise self.syntax_error()
                steps.append(token)
                self.at += 1
            elif self.accept("["):
                what, token, _, _ = self.tokens[self.at]
                if what != "index":
                    raise self.syntax_error()
                if len(token) > 10 or int(token) > MAX_INDEX:
                    raise self.refuse(f"List index is not within the allowable range; index: [{token}]")
                self.at += 1
                self.expect("]")
                steps.append(int(token))
            else:
                break
        if len(steps) > MAX_PATH:
            raise self.refuse(f"The document path has too many nesting levels; nesting levels: {len(steps)}")
        return Path(tuple(steps))

    def value(self) -> ValueRef:
        what, token, _, _ = self.tokens[self.at]
        if what != "value":
            raise self.syntax_error()
        self.at += 1
        return ValueRef(token)

    def operand(self) -> Operand:
        what, token, _, _ = self.tokens[self.at]
        if what == "value":
            return self.value()
        if what == "name" and self.tokens[self.at + 1][1] == "(":
            return self.function(token)
        return self.path()

    def function(self, name: str) -> Function:
        self.at += 2
        self.deeper()
        arguments = [self.operand()]
        while self.accept(","):
            arguments.append(self.operand())
        self.expect(")")
        self.depth -= 1
        return Function(name, tuple(arguments))

    # Conditions

    def condition(self, binding: int = 0) -> Condition:
        """Parse a condition whose operators bind tighter than `binding`."""
        found = self.primary()
        while True:
            word = self.keyword()
            if word == "OR" and binding < _OR:
                found = Some(tuple(self.chain(found, "OR", _OR)))
            elif word == "AND" and binding < _AND:
                found = All(tuple(self.chain(found, "AND", _AND)))
            else:
                return found

    def chain(self, first: Condition, word: str, binding: int) -> list[Condition]:
        conditions = [first]
        while self.keyword() == word:
            self.at += 1
            self.count_operator()
            conditions.append(self.condition(binding))
        return conditions

    def primary(self) -> Condition:
        if self.keyword() == "NOT":
            self.at += 1
            self.count_operator()
            self.deeper()
            negated = Not(self.condition(_NOT))
            self.depth -= 1
            return negated
        left: Any
        what, token, _, _ = self.tokens[self.at]
        if what == "sign" and token == "(":
            left = self.parenthesized()
            if not isinstance(left, (Path, ValueRef)) and self.peek() not in _COMPARATORS:
                return left  # type: ignore[no-any-return]
        else:
            left = self.operand()
        return self.comparison(left)

    def parenthesized(self) -> Any:
        """Parse what stands in parentheses: a condition, or an operand."""
        self.at += 1
        self.deeper()
        begin = self.at
        inner: Any = None
        if self.operand_ahead():
            inner = self.operand()
            if self.peek() != ")":
                self.at, inner = begin, None
        if inner is None:
            inner = self.condition()
            if self.at in self.wrapped and self.peek() == ")" and self.closes(begin):
                raise self.refuse("The expression has redundant parentheses;")
            self.wrapped.add(self.at + 1)
        self.expect(")")
        self.depth -= 1
        return inner

    def closes(self, begin: int) -> bool:
        """Tell whether the parenthesis that opens at a token is the one that closes just before here."""
        level = 0
        for at in range(begin, self.at):
            sign = self.tokens[at][1]
            level += (sign == "(") - (sign == ")")
            if level == 0:
                return at == self.at - 1
        return False

    def operand_ahead(self) -> bool:
        what, token, _, _ = self.tokens[self.at]
        return what in ("alias", "value") or (what == "name" and token.upper() != "NOT")

    def comparison(self, left: Operand) -> Condition:
        what, token, _, _ = self.tokens[self.at]
        word = token.upper() if what == "name" else ""
        if token in _COMPARATORS and what == "sign":
            self.at += 1
            self.count_operator()
            return Compare(token, left, self.right_operand())
        if word == "BETWEEN":
            self.at += 1
            self.count_operator()
            low = self.right_operand()
            if self.keyword() != "AND":
                raise self.syntax_error()
            self.at += 1
            return Between(left, low, self.right_operand())
        if word == "IN":
            self.at += 1
            self.count_operator()
            self.expect("(")
            choices = [self.operand()]
            while self.accept(","):
                choices.append(self.operand())
            self.expect(")")
            if len(choices) > MAX_CHOICES:
                raise self.refuse(
                    f"The IN operator is provided with too many operands; number of operands: {len(choices)}"
                )
            return In(left, tuple(choices))
        if isinstance(left, Function):
            return left
        raise self.syntax_error()

    def right_operand(self) -> Operand:
        if self.accept("("):
            inner = self.operand()
            self.expect(")")
            return inner
        return self.operand()

    # Updates

    def update(self) -> Update:
        found: dict[str, list[Any]] = {}
        while self.tokens[self.at][0] != "end":
            section = self.keyword()
            if section not in _SECTIONS:
                raise self.syntax_error()
            if section in found:
                raise self.refuse(f'The "{section}" section can only be used once in an update expression;')
            self.at += 1
            parse = self.assignment if section == "SET" else self.path if section == "REMOVE" else self.change
            found[section] = [parse()]
            while self.accept(","):
                found[section].append(parse())
        return Update(*(tuple(found.get(section, ())) for section in _SECTIONS))

    def change(self) -> tuple[Path, ValueRef]:
        return self.path(), self.value()

    def assignment(self) -> tuple[Path, Operand]:
        target = self.path()
        self.expect("=")
        left = self.set_operand()
        sign = self.peek()
        if sign in ("+", "-"):
            self.at += 1
            self.count_operator()
            left = Arithmetic(sign, left, self.set_operand())
        return target, left

    def set_operand(self) -> Operand:
        if not self.accept("("):
            return self.operand()
        self.deeper()
        inner = self.set_operand()
        sign = self.peek()
        if sign in ("+", "-"):
            self.at += 1
            inner = Arithmetic(sign, inner, self.set_operand())
        self.expect(")")
        self.depth -= 1
        return inner


@lru_cache(KEPT)
def parse_condition(kind: str, text: str) -> Condition:
    """Parse a condition, filter or key condition. Raises ValidationException."""
    parser = _Parser(kind, text)
    found = parser.condition()
    parser.finish()
    return found


@lru_cache(KEPT)
def parse_update(text: str) -> Update:
    """Parse an update expression. Raises ValidationException."""
    return _Parser("UpdateExpression", text).update()


@lru_cache(KEPT)
def parse_projection(text: str) -> tuple[Path, ...]:
    """Parse a projection expression. Raises ValidationException."""
    parser = _Parser("ProjectionExpression", text)
    paths = [parser.path()]
    while parser.accept(","):
        paths.append(parser.path())
    parser.finish()
    return tuple(paths)
