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
    "ep": ("edat",), "em": ("edat",), "dt": ("crdt",), "so": ("ta",), "is": ("ta",), "cs": ("ad",), "gr": ("gr",),
    "no": ("gr",), "si": ("si",), "px": ("ps",), "ir": ("ir",), "kp": ("ot",), "tt": ("tt",), "bt": ("ta",),
    "pl": ("pl",), "cp": ("pl",), "st": ("sb",), "dv": ("mhda",), "ax": ("words",), "hx": ("words",), "ox": ("words",),
    "rx": ("words",), "ps": ("words",), "dc": ("crdt",), "da": ("crdt",), "up": ("lr",),
}  # fmt: skip
QUALIFIERS = {
    "aa": "analogs derivatives", "ab": "abnormalities", "ag": "agonists", "ah": "anatomy histology",
    "ai": "antagonists inhibitors", "bi": "biosynthesis", "bs": "blood supply", "cf": "cerebrospinal fluid",
    "ch": "chemistry", "cs": "chemical synthesis", "cy": "cytology", "dg": "diagnostic imaging", "dh": "diet therapy",
    "du": "diagnostic use", "eh": "ethnology", "em": "embryology", "en": "enzymology", "es": "ethics",
    "gd": "growth development", "hi": "history", "ip": "isolation purification", "ir": "innervation",
    "is": "instrumentation", "lj": "legislation jurisprudence", "ma": "manpower", "og": "organization administration",
    "ph": "physiology", "po": "poisoning", "py": "pathogenicity", "ra": "radiography", "ri": "radionuclide imaging",
    "sc": "secondary", "sd": "supply distribution", "se": "secretion", "tm": "transmission", "to": "toxicity",
    "tr": "transplantation", "ul": "ultrastructure", "ur": "urine", "ve": "veterinary",
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
