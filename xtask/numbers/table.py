"""Writes the table of `crates/numbers` from what PyPI's `phonenumbers` and npm's `mcc-mnc-list` hold, and a sample of answers.

    table.py MCC_MNC.json DIRECTORY

`numbers.bin` is read by `crates/numbers/src/table.rs`, `sample.txt.gz` by its tests. The same packages give the same bytes.
"""

import gzip
import json
import pathlib
import re
import sys

import phonenumbers
from phonenumbers.carrierdata import CARRIER_DATA
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE, _GEO_MOBILE_COUNTRIES, _MOBILE_TOKEN_MAPPINGS

import sample
from automaton import Automaton
from patterns import Graph, program

# A kind's number in the table; `crates/numbers/src/table.rs` reads it. In the order in which they are asked for.
SPECIAL = {
    "premium_rate": 5,
    "toll_free": 4,
    "shared_cost": 6,
    "voip": 7,
    "personal_number": 8,
    "pager": 9,
    "uan": 10,
    "voicemail": 11,
}
LANDLINE, MOBILE, EITHER, NONE = 1, 2, 3, 0
LONGEST = 15


def metadata(code, region):
    return phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)


def mask_of(lengths):
    return sum(1 << length for length in lengths if 0 <= length < 32)


class Text:
    """Strings, each once; entry 0 is empty. Written as places of three bytes, then the text."""

    def __init__(self):
        self.entries = [""]
        self.known = {"": 0}

    def add(self, text):
        if text not in self.known:
            self.known[text] = len(self.entries)
            self.entries.append(text)
        return self.known[text]

    def written(self):
        places, text = bytearray(), bytearray()
        for entry in self.entries:
            places += len(text).to_bytes(3, "little")
            text += entry.encode()
        places += len(text).to_bytes(3, "little")
        return len(self.entries).to_bytes(4, "little") + bytes(places) + bytes(text)


class Outcomes:
    """What the automaton of kinds ends in: a region and a kind."""

    def __init__(self):
        self.entries = [(0, NONE)]
        self.known = {}

    def add(self, region, kind):
        if (region, kind) not in self.known:
            self.known[region, kind] = len(self.entries)
            self.entries.append((region, kind))
        return self.known[region, kind]

    def written(self):
        return b"".join(region.to_bytes(2, "little") + bytes([kind]) for region, kind in self.entries)


def kind_of(matched, data):
    if "general_desc" not in matched:
        return NONE
    for name, kind in SPECIAL.items():
        if name in matched:
            return kind
    fixed, mobile = "fixed_line" in matched, "mobile" in matched
    if fixed and (mobile or data.same_mobile_and_fixed_line_pattern):
        return EITHER
    return LANDLINE if fixed else MOBILE if mobile and not data.same_mobile_and_fixed_line_pattern else NONE


def unrolled(automaton, graph, first, longest, label):
    """The graph's sets of states as states of the automaton, a label by set and length."""
    known, ways_known = {}, {}

    def visit(states, length):
        if (states, length) not in known:
            ways = []
            for digit in range(10):
                if length == longest:
                    ways.append(0)
                    continue
                if (states, digit) not in ways_known:
                    ways_known[states, digit] = graph.follow(states, digit)
                after = ways_known[states, digit]
                ways.append(visit(after, length + 1) if after else 0)
            known[states, length] = automaton.state(label(states, length), ways)
        return known[states, length]

    return visit(first, 0)


def under_codes(automaton, roots):
    """One first state for all calling codes, of which none begins another."""
    tree = {}
    for code, state in roots.items():
        node = tree
        for digit in str(code)[:-1]:
            node = node.setdefault(int(digit), {})
        node[int(str(code)[-1])] = state

    def join(node):
        if isinstance(node, int):
            return node
        return automaton.state(0, [join(node[d]) if d in node else 0 for d in range(10)])

    return join(tree)


def kinds(regions_of, number_of, outcomes):
    automaton, roots = Automaton(), {}
    for code, regions in regions_of.items():
        graph, firsts, lengths = Graph(), [], {}
        datas = [metadata(code, region) for region in regions]
        for place, data in enumerate(datas):
            if data.leading_digits:
                firsts.append(graph.add(data.leading_digits, (place, "leading"), open_ended=True))
            for name in ["general_desc", "fixed_line", "mobile", *SPECIAL]:
                part = getattr(data, name)
                if part is not None and part.national_number_pattern:
                    firsts.append(graph.add(part.national_number_pattern, (place, name)))
                    lengths[place, name] = set(part.possible_length)

        def label(states, length, graph=graph, lengths=lengths, datas=datas, regions=regions, code=code):
            matched = {}
            for state in states:
                end = graph.ends.get(state)
                if end and (not lengths.get(end) or length in lengths[end]):
                    matched.setdefault(end[0], set()).add(end[1])
            for place, data in enumerate(datas):
                found = matched.get(place, set())
                kind = kind_of(found, data)
                if len(datas) > 1 and data.leading_digits:
                    if "leading" in found:
                        return outcomes.add(number_of[code, regions[place]], kind)
                elif kind:
                    return outcomes.add(number_of[code, regions[place]], kind)
            return 0

        roots[code] = unrolled(automaton, graph, graph.closure(firsts), LONGEST - len(str(code)), label)
    return automaton.written(under_codes(automaton, roots))


def layout(rule, digits):
    """A format applied to so many digits: `#` for the next digit, `_` for one that is left out, all else as it stands."""
    text = rule.format
    if rule.national_prefix_formatting_rule:
        # The rule's own group is the format's first, whichever that is.
        around = rule.national_prefix_formatting_rule
        text = re.sub(r"\\\d", lambda first: around.replace("\\1", first.group()), text, count=1)
    # Which digit stands where: by letters in place of digits, because patterns of groups take any digit.
    pattern = re.compile(rule.pattern.replace("\\d", "."))
    letters = "".join(chr(0xE000 + place) for place in range(digits))
    if not pattern.fullmatch(letters):
        return None
    shown, following = "", 0
    for char in pattern.sub(text, letters):
        place = ord(char) - 0xE000
        if 0 <= place < digits:
            if place < following:
                raise ValueError("a format that moves digits to the front")
            shown += "_" * (place - following) + "#"
            following = place + 1
        elif char in "#_":
            raise ValueError("a format with a sign of ours")
        else:
            shown += char
    return shown + "_" * (digits - following)


def formats(regions_of, layouts):
    automaton, roots = Automaton(), {}
    for code, regions in regions_of.items():
        rules = metadata(code, regions[0]).number_format
        graph, firsts = Graph(), []
        for place, rule in enumerate(rules):
            firsts.append(graph.add(rule.pattern, (place, "whole")))
            if rule.leading_digits_pattern:
                firsts.append(graph.add(rule.leading_digits_pattern[-1], (place, "leading"), open_ended=True))

        def label(states, length, graph=graph, rules=rules):
            ends = {graph.ends[state] for state in states if state in graph.ends}
            for place, rule in enumerate(rules):
                if (place, "whole") in ends and (not rule.leading_digits_pattern or (place, "leading") in ends):
                    return layouts.add(layout(rule, length))
            return 0

        roots[code] = unrolled(automaton, graph, graph.closure(firsts), LONGEST - len(str(code)), label)
    return automaton.written(under_codes(automaton, roots))


def pruned(words):
    """Without the entries that say what a shorter one says already."""
    return {
        word: label
        for word, label in words.items()
        if label != next((words[word[:end]] for end in range(len(word) - 1, 0, -1) if word[:end] in words), None)
    }


def prefixes(words):
    automaton = Automaton()
    return automaton.written(automaton.of_words(words))


def by_frequency(values):
    counts = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return sorted(counts, key=lambda value: (-counts[value], value))


def plain(name):
    return re.sub(r"[^0-9a-z]", "", (name or "").lower())


class Networks:
    """The first network code in use of a brand or operator, by country."""

    def __init__(self, path):
        self.codes = {}
        for row in json.loads(pathlib.Path(path).read_text(encoding="utf-8")):
            if row["status"] == "Operational" and row["type"] == "National" and row["mnc"]:
                code = f"{row['mcc']}:{row['mnc']}"
                of_country = self.codes.setdefault((row["countryCode"] or "").split("-")[0], {})
                for text in (row["brand"], row["operator"]):
                    for name in re.split(r"[/,(]", text or ""):
                        if plain(name):
                            of_country.setdefault(plain(name), code)

    def code(self, prefix, name):
        of_country, name = self.codes.get(self.country(prefix), {}), plain(name)
        if name in of_country:
            return of_country[name]
        # "Vodafone" is "Vodafone D2 GmbH", if no second one's name begins so.
        near = {code for known, code in of_country.items() if min(len(known), len(name)) >= 3 and begins(known, name)}
        return near.pop() if len(near) == 1 else ""

    @staticmethod
    def country(prefix):
        calling = next(int(prefix[:n]) for n in (1, 2, 3) if int(prefix[:n]) in COUNTRY_CODE_TO_REGION_CODE)
        regions = COUNTRY_CODE_TO_REGION_CODE[calling]
        for region in regions[1:]:
            leading = metadata(calling, region).leading_digits
            if leading and re.match(leading, prefix[len(str(calling)) :]):
                return region
        return regions[0]


def begins(one, other):
    return one.startswith(other) or other.startswith(one)


def main(networks, directory):
    # Otherwise it parses each of its patterns again and again.
    if hasattr(phonenumbers, "re_util"):
        phonenumbers.re_util.enable_pattern_cache()
    regions_of = {code: list(regions) for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items())}
    programs, program_at = bytearray(b"\0"), {None: 0, "": 0}

    def at(pattern):
        if pattern not in program_at:
            program_at[pattern] = len(programs)
            programs.extend(program(pattern))
        return program_at[pattern]

    transforms, layouts, outcomes = Text(), Text(), Outcomes()
    number_of, rows = {}, bytearray(32)
    for code, regions in regions_of.items():
        for region in regions:
            data = metadata(code, region)
            number_of[code, region] = len(number_of) + 1
            general = data.general_desc
            row = (b"\0\0" if region == "001" else region.encode()) + code.to_bytes(2, "little")
            row += mask_of(general.possible_length).to_bytes(4, "little")
            row += mask_of(general.possible_length_local_only).to_bytes(4, "little")
            row += at(data.international_prefix).to_bytes(3, "little")
            row += at(data.national_prefix_for_parsing).to_bytes(3, "little")
            row += at(general.national_number_pattern).to_bytes(3, "little")
            row += transforms.add(data.national_prefix_transform_rule or "").to_bytes(2, "little")
            row += bytes([code in _GEO_MOBILE_COUNTRIES, len(regions) > 1])
            row += str(code).encode().ljust(3, b"\0")
            row += _MOBILE_TOKEN_MAPPINGS.get(code, "").encode().ljust(1, b"\0")
            rows += row.ljust(32, b"\0")
    codes = b"".join(
        (number_of[code, regions_of[code][0]] if code in regions_of else 0).to_bytes(2, "little") for code in range(1000)
    )
    network = Networks(networks)
    carriers = {
        word: name + "\t" + network.code(word, name) for word, names in sorted(CARRIER_DATA.items()) if (name := names.get("en"))
    }
    places = {word: name for word, names in sorted(GEOCODE_DATA.items()) if (name := names.get("en"))}
    carrier_text, place_text = Text(), Text()
    for text, words in ((carrier_text, carriers), (place_text, places)):
        for name in by_frequency(pruned(words).values()):
            text.add(name)
    sections = [
        kinds(regions_of, number_of, outcomes),
        outcomes.written(),
        formats(regions_of, layouts),
        layouts.written(),
        prefixes({word: carrier_text.known[name] for word, name in pruned(carriers).items()}),
        carrier_text.written(),
        prefixes({word: place_text.known[name] for word, name in pruned(places).items()}),
        place_text.written(),
        bytes(rows),
        codes,
        bytes(programs),
        transforms.written(),
    ]
    head = b"CSN1" + len(sections).to_bytes(4, "little")
    at_byte = len(head) + 8 * len(sections)
    for section in sections:
        head += at_byte.to_bytes(4, "little") + len(section).to_bytes(4, "little")
        at_byte += len(section)
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "numbers.bin").write_bytes(head + b"".join(sections))
    (directory / "sample.txt.gz").write_bytes(gzip.compress(sample.lines().encode(), mtime=0))
    print(f"{at_byte} bytes; sections of {[len(section) for section in sections]}")


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    main(*sys.argv[1:])
