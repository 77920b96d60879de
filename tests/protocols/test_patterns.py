"""Java's patterns in Python's words, and all patterns of all models."""

from __future__ import annotations

import pytest

from app import protocols
from app.protocols.patterns import compile_pattern

# Patterns in the models that Python cannot compile: their members are not checked.
UNTRANSLATED = {
    "autoscaling-plans.ScalingPlanName": "an intersection of classes",
    "budgets.BudgetName": "a flag in the middle",
    "chime-sdk-voice.ClientRequestId": "an anchor with a quantifier",
    "codeartifact.PackageGroupPattern": "a property that Python's unicodedata does not have",
    "dlm.DescriptionRegex": "a property that Python's unicodedata does not have",
    "dlm.StatusMessage": "a property that Python's unicodedata does not have",
    "dlm.String": "a property that Python's unicodedata does not have",
    "dlm.TagFilter": "a property that Python's unicodedata does not have",
    "dlm.TagValue": "a property that Python's unicodedata does not have",
    "ds.RadiusSharedSecret": "a property that Python's unicodedata does not have",
    "ds.TrustPassword": "a property that Python's unicodedata does not have",
    "fsx.VerboseFlag": "a flag in the middle",
    "iotsitewise.EnvironmentVariableName": "a flag in the middle",
    "iotwireless.CertificatePEM": "an anchor with a quantifier",
    "rbin.RuleArn": "two quantifiers in a row",
    "sagemaker.CustomerMetadataKey": "an anchor with a quantifier",
    "sagemaker.CustomerMetadataValue": "an anchor with a quantifier",
}


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"[a-zA-Z0-9_.-]+", "a_b.c-1", "a b"),
        (r"[a-z]", "a", "aa"),  # without anchors the whole must match
        (r"^arn:.*", "arn:x", "x arn:"),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "Ünïcode 名前 1", "tab\t"),
        (r"\p{Alpha}+", "abc", "a1"),
        (r"[^\p{C}]+", "abc", "\x00"),
        (r"[\P{M}]+", "abc", "\u0301"),
        ("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*", "😀 ok", "\x01"),
        (r"[\x{10000}-\x{10FFFF}]", "😀", "a"),
        (r"\d+", "12", "١٢"),
        (r"^[\w+=,.@-]+$", "a@b", "a b"),
        (r"[[a]+", "[a", "]"),
    ],
)
def test_translation(pattern: str, good: str, bad: str) -> None:
    compiled = compile_pattern(pattern)
    assert compiled is not None
    assert compiled.search(good)
    assert not compiled.search(bad)


@pytest.mark.parametrize("pattern", ["(", "[a&&[^b]]", r"\p{Nonsense}", "*"])
def test_what_cannot_be_translated_is_left_alone(pattern: str) -> None:
    assert compile_pattern(pattern) is None


def test_the_untranslated_patterns_of_the_models_are_known() -> None:
    found = set()
    for service in protocols.service_names():
        model = protocols.service_model(service)
        for name in model.shape_names():
            shape = model.shape(name)
            if shape["type"] == "string" and "pattern" in shape and compile_pattern(shape["pattern"]) is None:
                found.add(f"{service}.{name}")
        protocols.service_model.cache_clear()
    assert found == set(UNTRANSLATED)
