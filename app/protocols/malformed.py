"""What is wrong with a request that cannot be read, and which error each service calls that."""

from __future__ import annotations

from app.errors import AwsError

MALFORMED_XML = "The XML you provided was not well-formed or did not validate against our published schema"

# (code, message or None to say what was found), by service and then by protocol: for bodies, and for the parts of a
# request outside the body (headers, query string, path).
BODY_ERRORS: dict[str, tuple[str, str | None]] = {
    "lambda": ("InvalidRequestContentException", None),
    "s3": ("MalformedXML", MALFORMED_XML),
    "s3control": ("MalformedXML", MALFORMED_XML),
    "route53": ("InvalidInput", None),
    "cloudfront": ("MalformedInput", None),
    "json": ("SerializationException", None),
    "rest-json": ("SerializationException", None),
    "rest-xml": ("MalformedInput", None),
    "query": ("MalformedInput", None),
    "ec2": ("InvalidParameterValue", None),
    "smithy-rpc-v2-cbor": ("SerializationException", None),
}
BINDING_ERRORS: dict[str, tuple[str, str | None]] = {
    "s3": ("InvalidArgument", None),
    "s3control": ("InvalidRequest", None),
    "lambda": ("InvalidParameterValueException", None),
    "query": ("MalformedQueryString", "The query string contains a syntax error"),
    "ec2": ("MalformedQueryString", "The query string contains a syntax error"),
}
PATH_ERRORS = BINDING_ERRORS | {"s3": ("InvalidURI", "Couldn't parse the specified URI.")}


class Malformed(Exception):
    """A body, or a value in it, that cannot be what the model says it is."""

    errors = BODY_ERRORS

    def answer(self, service: str, protocol: str) -> AwsError:
        """Return the error that the service answers with."""
        found = self.errors.get(service) or self.errors.get(protocol) or BODY_ERRORS[protocol]
        code, message = found
        return AwsError(code, message if message is not None else str(self), status=400)


class MalformedBinding(Malformed):
    """The same of a header, a query parameter or a part of the path."""

    errors = BINDING_ERRORS


class MalformedPath(MalformedBinding):
    """A path that is not UTF-8 once it is decoded."""

    errors = PATH_ERRORS


TOO_DEEP = Malformed("The request is nested too deeply")
