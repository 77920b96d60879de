"""DynamoDB's expressions: text to nodes (`syntax`), nodes and a call's names and values to functions of items."""

from app.services.dynamodb.expressions.conditions import Test, check_bounds, compile_condition
from app.services.dynamodb.expressions.nodes import (
    All,
    Between,
    Compare,
    Condition,
    Function,
    Literal,
    Not,
    Operand,
    Path,
    Some,
    ValueRef,
)
from app.services.dynamodb.expressions.paths import Tree, project, tree
from app.services.dynamodb.expressions.references import References, Steps, references
from app.services.dynamodb.expressions.syntax import parse_condition, parse_projection, parse_update
from app.services.dynamodb.expressions.updates import CompiledUpdate, compile_update

__all__ = [
    "All", "Between", "Compare", "CompiledUpdate", "Condition", "Function", "Literal", "Not", "Operand", "Path",
    "References", "Some", "Steps", "Test", "Tree", "ValueRef", "check_bounds", "compile_condition", "compile_update",
    "parse_condition", "parse_projection", "parse_update", "project", "references", "tree",
]  # fmt: skip
