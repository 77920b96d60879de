"""Everything that is compiled from one service's model, made when first needed and kept."""

from __future__ import annotations

from functools import cache, cached_property

from app.protocols.cbor_bodies import CborReaders, CborWriters
from app.protocols.constraints import Constraints
from app.protocols.form_shapes import FormReaders
from app.protocols.json_shapes import JsonReaders, JsonWriters
from app.protocols.models import ServiceModel, service_model
from app.protocols.xml_reading import XmlReaders
from app.protocols.xml_writing import EC2, QUERY, REST_XML, XmlWriters


class Codecs:
    """The readers, writers and constraints of one service."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model

    @cached_property
    def json_readers(self) -> JsonReaders:
        """Readers of JSON values."""
        return JsonReaders(self.model)

    @cached_property
    def json_quick(self) -> JsonWriters:
        """Writers of JSON values where something must change."""
        return JsonWriters(self.model, careful=False)

    @cached_property
    def json_careful(self) -> JsonWriters:
        """Writers of JSON values that leave out what is None."""
        return JsonWriters(self.model, careful=True)

    @cached_property
    def form_readers(self) -> FormReaders:
        """Readers of the query protocol's forms."""
        return FormReaders(self.model, ec2=False)

    @cached_property
    def ec2_readers(self) -> FormReaders:
        """Readers of the ec2 protocol's forms."""
        return FormReaders(self.model, ec2=True)

    @cached_property
    def xml_readers(self) -> XmlReaders:
        """Readers of XML elements."""
        return XmlReaders(self.model)

    @cached_property
    def rest_xml_writers(self) -> XmlWriters:
        """Writers of rest-xml bodies."""
        return XmlWriters(self.model, REST_XML)

    @cached_property
    def query_writers(self) -> XmlWriters:
        """Writers of the query protocol's answers."""
        return XmlWriters(self.model, QUERY)

    @cached_property
    def ec2_writers(self) -> XmlWriters:
        """Writers of the ec2 protocol's answers."""
        return XmlWriters(self.model, EC2)

    @cached_property
    def cbor_readers(self) -> CborReaders:
        """Readers of CBOR values."""
        return CborReaders(self.model)

    @cached_property
    def cbor_writers(self) -> CborWriters:
        """Writers of CBOR values."""
        return CborWriters(self.model)

    @cached_property
    def constraints(self) -> Constraints:
        """Tests of the model's constraints."""
        return Constraints(self.model)


@cache
def codecs(service: str) -> Codecs:
    """Return what is compiled from a service's model. Raises UnknownService."""
    return Codecs(service_model(service))
