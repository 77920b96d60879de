"""The edge and all behaviour: what AWS does."""
