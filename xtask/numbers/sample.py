"""Numbers and what `phonenumbers` says of them, for the tests of `crates/numbers`.

A line: what is read, the region it is read in (or `-`), then of the number that was read: E.164, region, kind, validity, carrier,
place, national format; tab between them. Where nothing was read, the reason stands instead.
"""

import random

import phonenumbers
from phonenumbers import PhoneNumberType as T
from phonenumbers import ValidationResult as V
from phonenumbers import carrier, geocoder
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS

KINDS = {
    T.FIXED_LINE: "landline",
    T.MOBILE: "mobile",
    T.FIXED_LINE_OR_MOBILE: "landlineOrMobile",
    T.TOLL_FREE: "tollFree",
    T.PREMIUM_RATE: "premium",
    T.SHARED_COST: "sharedCost",
    T.VOIP: "voip",
    T.PERSONAL_NUMBER: "personal",
    T.PAGER: "pager",
    T.UAN: "uan",
    T.VOICEMAIL: "voicemail",
    T.UNKNOWN: "unknown",
}
LENGTHS = {
    V.IS_POSSIBLE: "INVALID_BUT_POSSIBLE",
    V.IS_POSSIBLE_LOCAL_ONLY: "TOO_SHORT",
    V.TOO_SHORT: "TOO_SHORT",
    V.TOO_LONG: "TOO_LONG",
    V.INVALID_LENGTH: "INVALID_LENGTH",
    V.INVALID_COUNTRY_CODE: "INVALID_COUNTRY_CODE",
}
REASONS = {0: "INVALID_COUNTRY_CODE", 1: "NOT_A_NUMBER", 2: "TOO_SHORT", 3: "TOO_SHORT", 4: "TOO_LONG"}
# So many random numbers; those that were examples come on top.
RANDOM = 100_000


def answer(text, region):
    asked = f"{text}\t{region or '-'}\t"
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        return asked + REASONS[error.error_type]
    kind = KINDS[phonenumbers.number_type(number)]
    valid = phonenumbers.is_valid_number(number)
    country = phonenumbers.region_code_for_number(number) or ""
    said = [
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        "" if country == "001" else country,
        kind,
        "" if valid else LENGTHS[phonenumbers.is_possible_number_with_reason(number)],
        carrier.name_for_number(number, "en"),
        place(number),
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL),
    ]
    return asked + "\t".join(said)


def place(number):
    """The place that the digits tell; the library falls back to the country's name where they tell none."""
    found = geocoder.description_for_number(number, "en")
    if found != geocoder.country_name_for_number(number, "en"):
        return found
    digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    named = any("en" in GEOCODE_DATA.get(digits[:end], ()) for end in range(1, len(digits) + 1))
    somewhere = phonenumbers.phonenumberutil.is_number_geographical(number)
    return found if named and somewhere else ""


def examples():
    for region in sorted(SUPPORTED_REGIONS):
        for kind in KINDS:
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                yield phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None
                yield phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL), region
    for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items()):
        if regions[0] == "001":
            number = phonenumbers.example_number_for_non_geo_entity(code)
            yield phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None


def chances(count):
    """A third any digits, a third near a number that exists, a third as people write inside a country."""
    chance = random.Random(20261122)
    regions, codes = sorted(SUPPORTED_REGIONS), sorted(COUNTRY_CODE_TO_REGION_CODE)
    known = [text for text, region in examples() if region is None]
    for turn in range(count):
        digits = "".join(chance.choice("0123456789") for _ in range(chance.randint(5, 13)))
        if turn % 3 == 0:
            yield f"+{chance.choice(codes)}{digits}"[:16], None
        elif turn % 3 == 1:
            near = list(chance.choice(known))
            for _ in range(chance.randint(1, 4)):
                near[chance.randrange(2, len(near))] = chance.choice("0123456789")
            yield "".join(near), None
        else:
            begin = chance.choice(["", "0", "00", "1", "8", "011", ""])
            yield begin + digits, chance.choice(regions)


def lines():
    asked = dict.fromkeys([*examples(), *chances(RANDOM)])
    return "".join(answer(text, region) + "\n" for text, region in asked)
