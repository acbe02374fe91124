"""Ovid's codes: two letters for a field, and for a subheading of MeSH."""

from __future__ import annotations

from sqlrl.executors.boolean.fields import ALL

__all__ = ["FIELDS", "MP", "QUALIFIERS"]

MP = ("ti", "ab", "words", "ot")
FIELDS: dict[str, tuple[str, ...]] = {
    "ti": ("ti",), "ab": ("ab",), "tw": ("ti", "ab"), "mp": MP, "hw": ("words",), "kw": ("ot",), "kf": ("ot",),
    "af": ALL, "ot": ("tt", "ti"), "ad": ("ad",), "in": ("ad",), "sh": ("mh",), "fs": ("sh",), "xs": ("sh",),
    "pt": ("pt",), "au": ("au",), "jn": ("ta",), "jw": ("ta",), "ja": ("ta",), "la": ("la",), "lg": ("la",),
    "nm": ("nm",), "rn": ("nm",), "rs": ("nm",), "ui": ("id",), "yr": ("dp",), "dp": ("dp",), "ed": ("edat",),
    "ep": ("edat",), "dc": ("crdt",), "da": ("crdt",), "up": ("lr",),
}  # fmt: skip
QUALIFIERS = {
    "ad": "administration dosage", "ae": "adverse effects", "an": "analysis", "bl": "blood", "co": "complications",
    "ci": "chemically induced", "cl": "classification", "cn": "congenital", "ct": "contraindications",
    "de": "drug effects", "di": "diagnosis", "dt": "drug therapy", "ec": "economics", "ed": "education",
    "ep": "epidemiology", "et": "etiology", "ge": "genetics", "im": "immunology", "in": "injuries", "me": "metabolism",
    "mi": "microbiology", "mo": "mortality", "mt": "methods", "nu": "nursing", "pa": "pathology",
    "pc": "prevention control", "pd": "pharmacology", "pk": "pharmacokinetics", "pp": "physiopathology",
    "ps": "parasitology", "px": "psychology", "re": "radiation effects", "rh": "rehabilitation", "rt": "radiotherapy",
    "sn": "statistics numerical data", "st": "standards", "su": "surgery", "td": "trends", "th": "therapy",
    "tu": "therapeutic use", "us": "ultrasonography", "ut": "utilization", "vi": "virology",
}  # fmt: skip
