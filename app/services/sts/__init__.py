"""AWS STS: who is calling, and temporary credentials for roles, sessions and federated users.

Others use `principal_of` (whom an access key that STS issued stands for) and `sender_id` (the caller's unique id).
"""

from app.services.sts import federation, identity, roles, sessions
from app.services.sts.credentials import Principal, principal_of, sender_id

__all__ = ["Principal", "federation", "identity", "principal_of", "roles", "sender_id", "sessions"]
