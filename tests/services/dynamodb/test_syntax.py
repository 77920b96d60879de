"""The expression language, without a server: parsing, conditions, updates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AwsError
from app.services.dynamodb.attribute_values import check_item, equal
from app.services.dynamodb.expressions import (
    References,
    compile_condition,
    compile_update,
    parse_condition,
    parse_projection,
    parse_update,
    project,
    tree,
)
from app.services.dynamodb.expressions.nodes import All, Compare, Not, Path, Some, ValueRef
from app.services.dynamodb.expressions.reserved import RESERVED

KIND = "ConditionExpression"


def holds(text, item, **values):
    references = References({}, {f":{name}": value for name, value in values.items()})
    return compile_condition(KIND, parse_condition(KIND, text), references)(item)


def test_there_are_573_reserved_words():
    assert len(RESERVED) == 573


def test_and_binds_tighter_than_or_and_not_tightest():
    a, b, c = (Compare("=", Path((name,)), ValueRef(":v")) for name in "abc")
    assert parse_condition(KIND, "a = :v OR b = :v AND NOT c = :v") == Some((a, All((b, Not(c)))))
    assert parse_condition(KIND, "(a = :v or b = :v) and c=:v") == All((Some((a, b)), c))


ITEM = {
    "s": {"S": "hello"}, "n": {"N": "5"}, "b": {"B": b"\x80a"}, "ss": {"SS": ["x", "y"]}, "t": {"BOOL": True},
    "l": {"L": [{"N": "1"}, {"S": "two"}]}, "m": {"M": {"in": {"M": {"deep": {"N": "7"}}}}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s = :s", True),
        ("s <> :s", False),
        ("missing1 <> :s", True),
        ("missing1 = :s", False),
        ("n > :four", True),
        ("n > :s", False),
        ("n BETWEEN :four AND :six", True),
        ("n IN (:four, :six)", False),
        ("m.#in.deep > :six", True),
        ("l[1] = :two", True),
        ("l[2] = :two", False),
        ("attribute_exists(m.#in) AND attribute_not_exists(m.gone)", True),
        ("attribute_type(ss, :ss)", True),
        ("begins_with(s, :he)", True),
        ("contains(s, :he) AND contains(ss, :x) AND contains(l, :two)", True),
        ("size(s) = :five AND size(l) < :four", True),
        ("size(n) = :five", False),
        ("NOT (s = :s OR n = :four)", False),
    ],
)
def test_a_condition_holds_or_not(text, expected):
    values = {
        ":s": {"S": "hello"}, ":four": {"N": "4"}, ":five": {"N": "5"}, ":six": {"N": "6"}, ":two": {"S": "two"},
        ":ss": {"S": "SS"}, ":he": {"S": "he"}, ":x": {"S": "x"},
    }  # fmt: skip
    references = References({"#in": "in"}, values)
    assert compile_condition(KIND, parse_condition(KIND, text), references)(ITEM) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("a =", 'Syntax error; token: "<EOF>", near: "="'),
        ("a = :v)", 'Syntax error; token: ")", near: ":v )"'.replace(" )", ")")),
        ("a != :v", 'Syntax error; token: "!"'),
        ("((a = :v))", "The expression has redundant parentheses"),
        ("name = :v", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("a < " + "b" * 4096, "Expression size has exceeded the maximum allowed size; expression size: 4100"),
        ("a = :v" + " or a = :v" * 150, "too many operators; operator count: 301"),
        (".".join("a" * 33) + " = :v", "The document path has too many nesting levels; nesting levels: 33"),
        ("a[99999999999] = :v", "List index is not within the allowable range; index: [99999999999]"),
        ("a IN (" + ", ".join([":v"] * 101) + ")", "number of operands: 101"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_reason(text, message):
    with pytest.raises(AwsError) as caught:
        parse_condition(KIND, text)
    assert caught.value.message.startswith("Invalid ConditionExpression: ")
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size(a)", "The function is not allowed to be used this way in an expression; function: size"),
        ("dog(a)", "Invalid function name; function: dog"),
        (
            "attribute_exists(:v)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        ("contains(a)", "Incorrect number of operands for operator or function; operator or function: contains"),
        ("begins_with(a, :n)", "operator or function: begins_with, operand type: N"),
        ("attribute_type(a, :v)", "Invalid attribute type name found; type: x"),
        ("a = a", "The first operand must be distinct from the remaining operands"),
        ("a BETWEEN :n AND :v", "requires same data type for lower and upper bounds"),
        ("a = :w", "An expression attribute value used in expression is not defined; attribute value: :w"),
        ("#a = :v", "attribute name used in the document path is not defined; attribute name: #a"),
    ],
)
def test_what_means_nothing_is_refused_with_the_reason(text, message):
    with pytest.raises(AwsError) as caught:
        holds(text, {}, v={"S": "x"}, n={"N": "1"})
    assert message in caught.value.message


def test_three_hundred_operators_are_evaluated():
    text = "a < :v " + "or (a < :v " * 149 + ")" * 149
    assert holds(text, {"a": {"N": "1"}}, v={"N": "2"}) is True
    assert holds("a < :v" + " and a < :v" * 149, {"a": {"N": "1"}}, v={"N": "2"}) is True


SCRAPS = ["a", "#n", ":v", "size", "NOT", "and", "OR", "between", "in", "(", ")", ",", ".", "[", "0", "]", "=", "<>", "<", "+",
          "set", "remove", "add", "delete", "if_not_exists", "list_append", "attribute_exists", " "]  # fmt: skip


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(SCRAPS), max_size=25).map(" ".join)))
def test_any_text_is_parsed_or_refused_and_nothing_else(text):
    references = References({"#n": "n"}, {":v": {"N": "1"}})
    for run in (
        lambda: compile_condition(KIND, parse_condition(KIND, text), references)(ITEM),
        lambda: compile_update(parse_update(text), references).apply(ITEM),
        lambda: project(ITEM, tree("ProjectionExpression", [references.steps("", p) for p in parse_projection(text)])),
    ):
        try:
            run()
        except AwsError as error:
            assert error.code == "ValidationException"  # noqa: PT017


values = st.recursive(
    st.one_of(
        st.text(max_size=5).map(lambda text: {"S": text}),
        st.integers(-999, 999).map(lambda number: {"N": str(number)}),
        st.binary(max_size=4).map(lambda raw: {"B": raw}),
        st.booleans().map(lambda flag: {"BOOL": flag}),
        st.just({"NULL": True}),
        st.sets(st.text(max_size=3), min_size=1, max_size=3).map(lambda texts: {"SS": sorted(texts)}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda members: {"L": members}),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(lambda members: {"M": members}),
    ),
    max_leaves=6,
)
documents = st.dictionaries(st.sampled_from("abcdef"), values, max_size=5)
paths = st.sampled_from(["a", "b.c", "b[0]", "c.a.b", "d[1]", "e"])


@given(documents, paths, values)
def test_an_update_leaves_the_old_item_as_it_was(item, path, value):
    before = repr(item)
    update = compile_update(parse_update(f"SET {path} = :v REMOVE f"), References({}, {":v": value}))
    try:
        new = update.apply(item)
    except AwsError:
        new = None
    assert repr(item) == before
    if new is not None:
        assert "f" not in new


@given(documents, paths, values)
def test_what_was_set_is_found_where_it_was_set(item, path, value):
    references = References({}, {":v": value})
    try:
        new = compile_update(parse_update(f"SET {path} = :v"), references).apply(item)
    except AwsError:
        return
    if not path.endswith("]"):
        assert holds(f"{path} = :v", new, v=value)


@given(documents)
def test_checking_an_item_twice_changes_nothing_more(item):
    once, size = check_item(item)
    assert check_item(once) == (once, size)


@given(values)
def test_a_value_equals_itself_with_its_sets_in_any_order(value):
    def turned(value):
        ((kind, inner),) = value.items()
        if kind == "SS":
            return {kind: inner[::-1]}
        if kind == "L":
            return {kind: [turned(each) for each in inner]}
        return {kind: {name: turned(each) for name, each in inner.items()}} if kind == "M" else value

    assert equal(value, turned(value))
