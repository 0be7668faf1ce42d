"""Our XML against others': canonical forms by libxml2, signatures and encryption by `xmlsec1`."""

import random
import subprocess
from pathlib import Path

import pytest
from lxml import etree

from fixtures.upstream import XML, KeyPair, encrypt

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
PREFIXES = ["", "p", "q", "r"]


def ours(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess:
    return subprocess.run([XML, *arguments], input=given, capture_output=True, timeout=60)


def element(dice: random.Random, depth: int, bound: dict[str, str]) -> str:
    """An element with namespaces that shadow and take back each other, and every way to write a character."""
    bound = dict(bound)
    declared = []
    # No "&" in a namespace: libxml2's canonical form doesn't escape it there, and then isn't XML.
    for prefix in PREFIXES:
        if dice.random() < 0.35:
            uri = dice.choice(["urn:a", "urn:b", "http://c.example/?x=1", ""] if not prefix else ["urn:a", "urn:b", "urn:c"])
            bound[prefix] = uri
            declared.append(f'xmlns{":" + prefix if prefix else ""}="{uri}"')
    usable = [prefix for prefix in PREFIXES if prefix == "" or bound.get(prefix)]
    name = dice.choice(["e", "f", "é"])
    prefix = dice.choice(usable)
    tag = f"{prefix}:{name}" if prefix else name
    attributes: dict[tuple[str, str], str] = {}
    for local in ("x", "y", "lang"):
        if dice.random() < 0.4:
            own = dice.choice(usable)
            value = dice.choice(["1", " a\tb\nc ", "&lt;&amp;&quot;'&gt;", "&#9;&#10;&#13;&#x20AC;", "\U0001f511"])
            place = (bound[own] if own else "", local)
            if place not in attributes:
                attributes[place] = f'{own + ":" if own else ""}{local}="{value}"'
    if dice.random() < 0.1:
        attributes["xml", "space"] = 'xml:space="preserve"'
    parts = declared + list(attributes.values())
    dice.shuffle(parts)
    space = dice.choice([" ", "\n  ", "\t"])
    start = tag + "".join(space + part for part in parts)
    if depth == 0 or dice.random() < 0.15:
        return f"<{start}/>" if dice.random() < 0.5 else f"<{start}></{tag} >"
    inner = [
        dice.choice(["text", "a\r\nb", "&amp;&lt;&gt;", "]]&gt;", "&#13;", "é €", "  ", "<!-- a - comment -->", "\"'"])
        if dice.random() < 0.4
        else element(dice, depth - 1, bound)
        for _ in range(dice.randrange(1, 4))
    ]
    return f"<{start}>{''.join(inner)}</{tag}>"


@pytest.mark.parametrize("form", ["exclusive", "inclusive"])
@pytest.mark.parametrize("comments", ["comments", "plain"])
@pytest.mark.parametrize("prefixes", [[], ["q"], ["p", "r"]], ids=str)
def test_canonical_forms(form: str, comments: str, prefixes: list[str], tmp_path: Path) -> None:
    if form == "inclusive" and prefixes:
        prefixes = []
    files = []
    for seed in range(150):
        file = tmp_path / f"{seed}.xml"
        file.write_bytes(element(random.Random(f"{form}{comments}{prefixes}{seed}"), 5, {}).encode())
        files.append(file)
    run = ours("canonicalize", form, comments, ",".join(prefixes), *map(str, files))
    assert run.returncode == 0, run.stderr
    for file in files:
        tree = etree.parse(str(file), etree.XMLParser(resolve_entities=False))
        theirs = etree.tostring(
            tree, method="c14n", exclusive=form == "exclusive", with_comments=comments == "comments",
            inclusive_ns_prefixes=prefixes or None,
        )  # fmt: skip
        assert Path(f"{file}.ours").read_bytes() == theirs, file.read_text()
    # The same program that administrators have, on one of them.
    option = "--exc-c14n" if form == "exclusive" else "--c14n"
    if comments == "comments" and not prefixes:
        theirs = subprocess.run(["xmllint", option, str(files[0])], capture_output=True, check=True).stdout
        assert Path(f"{files[0]}.ours").read_bytes() == theirs


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return KeyPair(tmp_path_factory.mktemp("keys"), "signer")


def template(form: str, transform: str, signature: str, digest: str, uri: str = "#_a1") -> str:
    """An assertion that `xmlsec1` is to sign."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<saml:Assertion xmlns:saml="{SAML}" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:unused="urn:unused" ID="_a1" Version="2.0">
  <saml:Issuer>https://idp.example/é</saml:Issuer>
  <ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{form}"/>
    <ds:SignatureMethod Algorithm="{signature}"/><ds:Reference URI="{uri}"><ds:Transforms>
      <ds:Transform Algorithm="{DS}enveloped-signature"/>{transform}</ds:Transforms>
    <ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>
    <ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>
  <saml:Subject><saml:NameID
     Format="urn:x">user &amp; &#xe9;&#13; co</saml:NameID></saml:Subject>
  <saml:AttributeStatement><saml:Attribute Name='a "quoted" name'><saml:AttributeValue
     xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">v</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>
</saml:Assertion>
"""


def signed(text: str, pair: KeyPair, tmp_path: Path) -> bytes:
    source, made = tmp_path / "template.xml", tmp_path / "signed.xml"
    source.write_text(text)
    keys = ["--privkey-pem", f"{pair.key_pem},{pair.pem}", "--id-attr:ID", f"{SAML}:Assertion"]
    run = subprocess.run(["xmlsec1", "--sign", *keys, "--output", str(made), str(source)], capture_output=True)
    assert run.returncode == 0, run.stderr
    return made.read_bytes()


def plain(uri: str) -> str:
    return f'<ds:Transform Algorithm="{uri}"/>'


LISTED = (
    f'<ds:Transform Algorithm="{EXCLUSIVE}"><ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="xs unused #default"/>'
    "</ds:Transform>"
)
SHA256, SHA512 = "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmlenc#sha512"


@pytest.mark.parametrize(
    ("form", "transform", "signature", "digest", "options"),
    [
        (EXCLUSIVE, plain(EXCLUSIVE), f"{MORE}rsa-sha256", SHA256, []),
        (EXCLUSIVE, LISTED, f"{MORE}rsa-sha512", SHA512, []),
        (EXCLUSIVE, plain(EXCLUSIVE), f"{MORE}rsa-sha384", f"{MORE}sha384", []),
        (f"{EXCLUSIVE}WithComments", plain(f"{EXCLUSIVE}WithComments"), f"{MORE}rsa-sha256", SHA256, []),
        (INCLUSIVE, plain(INCLUSIVE), f"{MORE}rsa-sha256", SHA256, ["inclusive"]),
        (EXCLUSIVE, plain(EXCLUSIVE), f"{DS}rsa-sha1", f"{DS}sha1", ["sha1"]),
    ],
)
def test_signatures_of_xmlsec1(
    form: str, transform: str, signature: str, digest: str, options: list[str], pair: KeyPair, tmp_path: Path
) -> None:
    document = signed(template(form, transform, signature, digest), pair, tmp_path)
    run = ours("verify", str(pair.der), *options, given=document)
    assert run.returncode == 0, run.stderr
    # What is handed out says what was signed, and no more.
    read = etree.fromstring(run.stdout)
    assert read.findtext(f".//{{{SAML}}}NameID") == "user & é\r co"
    assert read.find(f".//{{{DS}}}Signature") is None
    if options:
        assert ours("verify", str(pair.der), given=document).returncode != 0
    for changed in (document.replace(b"user", b"root"), document.replace(b'Version="2.0"', b'Version="2.1"')):
        assert changed != document
        assert ours("verify", str(pair.der), *options, given=changed).returncode != 0
    other = KeyPair(tmp_path, "other")
    assert ours("verify", str(other.der), *options, given=document).returncode != 0


def test_the_empty_reference_of_xmlsec1(pair: KeyPair, tmp_path: Path) -> None:
    text = template(EXCLUSIVE, plain(EXCLUSIVE), f"{MORE}rsa-sha256", SHA256, uri="")
    run = ours("verify", str(pair.der), given=signed(text, pair, tmp_path))
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(("cipher", "session"), [("aes128-gcm", "aes-128"), ("aes256-gcm", "aes-256")])
def test_encryption_of_xmlsec1(cipher: str, session: str, pair: KeyPair, tmp_path: Path) -> None:
    source, made = tmp_path / "plain.xml", tmp_path / "encrypted.xml"
    inner = '<saml:Assertion ID="_a">user &amp; é</saml:Assertion>'
    source.write_text(f'<r:Response xmlns:r="urn:r" xmlns:saml="{SAML}">{inner}</r:Response>')
    encrypt(source, made, pair, cipher, session, f"{SAML}:Assertion")
    assert b"user" not in made.read_bytes()
    run = ours("decrypt", str(pair.key_der), given=made.read_bytes())
    assert run.returncode == 0, run.stderr
    # The prefix was declared around the element: it counts in its place.
    assert run.stdout.decode() == f'<saml:Assertion xmlns:saml="{SAML}" ID="_a">user &amp; é</saml:Assertion>'
