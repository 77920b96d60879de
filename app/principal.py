"""Whose call it is: the account that an access key stands for, and keys that carry their account.

Since 2019 the 16 characters after the prefix of AWS's access keys are base32 of 10 bytes: one bit that is set, 40 bits
of account id, then random bits. Cairn's STS issues keys of the same make, so that temporary credentials find their
account again without being looked up anywhere.
"""

from __future__ import annotations

import base64
import binascii

DEFAULT_ACCOUNT = "000000000000"

OUR_PREFIXES = ("LKIA", "LSIA")  # keys of emulators: always believed
AWS_PREFIXES = ("AKIA", "ASIA")  # real keys: their account is used only where the user asked for it
RANDOM_BYTES = 5  # what encode_access_key needs

_KEY_LENGTH = 20
_LARGEST_ACCOUNT = 999_999_999_999
_MODERN = 1 << 47  # the bit that tells a key with an account from the older ones without
_SHIFT = 7  # random bits below the account in the first six bytes


def account_of(access_key: str | None, *, trust_aws_keys: bool = False) -> str:
    """Return the 12-digit account that an access key stands for.

    Args:
        access_key: as in the request's credentials; None where it is not signed.
        trust_aws_keys: whether AKIA… and ASIA… keys give the account that AWS encoded in them
            (PARITY_AWS_ACCESS_KEY_ID).
    """
    if not access_key:
        return DEFAULT_ACCOUNT
    if len(access_key) == 12 and access_key.isascii() and access_key.isdigit():
        return access_key
    prefix = access_key[:4]
    if prefix in OUR_PREFIXES or (trust_aws_keys and prefix in AWS_PREFIXES):
        return decode_account(access_key) or DEFAULT_ACCOUNT
    return DEFAULT_ACCOUNT


def decode_account(access_key: str) -> str | None:
    """Return the account that a 20-character access key carries, or None where it carries none."""
    if len(access_key) != _KEY_LENGTH:
        return None
    try:
        head = int.from_bytes(base64.b32decode(access_key[4:])[:6], "big")
    except (binascii.Error, ValueError):
        return None
    account = (head & (_MODERN - 1)) >> _SHIFT
    return f"{account:012d}" if account <= _LARGEST_ACCOUNT else None


def encode_access_key(account: str, prefix: str, random_bytes: bytes) -> str:
    """Return a 20-character access key that carries its account.

    Args:
        account: 12 digits.
        prefix: four letters, such as LSIA for temporary and LKIA for long-term credentials.
        random_bytes: RANDOM_BYTES of them, from the call's context.
    """
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes are needed, not {len(random_bytes)}")
    head = _MODERN | int(account) << _SHIFT | random_bytes[0] >> 1
    return prefix + base64.b32encode(head.to_bytes(6, "big") + random_bytes[1:]).decode("ascii")
