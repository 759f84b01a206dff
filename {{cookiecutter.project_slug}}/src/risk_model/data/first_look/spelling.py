"""Spellings of one thing, words for "nothing known", and ticks.

Are "Male", "male" and " MALE." three categories? Does an identifier say that nobody knew it?
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
# what parts two numbers or gives a sign meaning ("A-", "<5", "1-2") is no punctuation
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[^\w.,]+(?=\d)")
_MEANT = re.compile(r"(?<=\d)[.,/](?=\d)|(?<!\w)-(?=\d)|[-+](?=$|[\s)])|[<>=≤≥+%]")
_LEADING_ZEROS = re.compile(r"(?<![\d.,])0+(?=\d)")

_PLACEHOLDERS = """
unknown unk unkn unknwn notknown nk ukn uk na nan null none nil nothing nonegiven notgiven notdone
nd notrecorded notavailable notapplicable notentered notstated notprovided notassigned notspecified
unspecified undefined unassigned unavailable unidentified missing miss blank empty xx noid nonumber
nomrn nonhs nonhsnumber noinformation noinfo nodata novalue nosubject nopatient anonymous anonym
anon anonymised anonymized deidentified redacted removed masked hidden withheld confidential tbd
tba tbc pending todo dummy test tests testpatient patienttest testing tester
temp temporary refused declined dontknow donotknow dk idk johndoe janedoe
unnamed babyboy babygirl
unbekannt unbek ub keineangabe keineangaben ka keine ohne ohneangabe fehlt fehlend nichtbekannt
nichterhoben nichtdokumentiert nichtverfügbar nichtvorhanden nichtbestimmt nichtangegeben nb nv
namenlos kein keinenummer nichtdurchgeführt leer ausstehend folgt
inconnu inconnue nonconnu nonconnue nonrenseigne nonrenseignee nonprecise nondisponible nonfait
nonsaisi aucun aucune manquant manquante nr nc nsp neant vide anonyme enattente sansnumero
sansobjet nonapplicable
desconocido desconocida desconocidos noconocido sindato sindatos nodisponible noaplica noregistrado
noconsta noinformado ninguno ninguna nadie faltante perdido sinidentificar sinnombre vacio ns nsnc
nc pendiente prueba anonimo anonima
sconosciuto sconosciuta ignoto ignota nonnoto nonnota nondisponibile nonapplicabile nonriportato
nonrilevato nonspecificato nondeterminato mancante nessuno nessuna vuoto insospeso inattesa prova
desconhecido desconhecida ignorado ignorada seminformacao naoinformado naoinformada naodisponivel
naoseaplica naoaplicavel naorealizado nenhum nenhuma ausente vazio pendente teste sd si semdados
onbekend nietbekend nietingevuld nietbeschikbaar nietgemeten nietgedaan nietbepaald nvt geen
ontbreekt ontbrekend leeg anoniem inafwachting proef
"""
_TICKS = """
x xx ✓ ✔ ☑ ☒ ✗ ✘ √ ● • yes y yep yeah true t 1 on checked ticked tick selected
ja j jep wahr oui o vrai si s sí sì cierto verdadero vero sim verdadeiro waar ok da tak
"""


def folded(text: str) -> str:
    """What near-equal spellings share: no case, accents, spaces, punctuation or leading zeros.

    "07" and "7.0" are "7"; the signs of "A-", "<5", "1-2" and "0.5" remain.

    >>> folded(" Non-Smoker."), folded("non smoker"), folded("Müller"), folded("007")
    ('nonsmoker', 'nonsmoker', 'muller', '7')
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if NUMBER.fullmatch(plain):
        return _number(plain)
    marks = unicodedata.normalize("NFD", plain.casefold())
    bare = "".join(c for c in marks if not unicodedata.combining(c))
    joined = _LEADING_ZEROS.sub("", _BETWEEN_DIGITS.sub("/", bare))
    kept = {match.start() for match in _MEANT.finditer(joined)}
    letters = "".join(c for i, c in enumerate(joined) if c.isalnum() or i in kept)
    return letters or plain


def _number(text: str) -> str:
    """One spelling of a number, digit by digit, so that long identifiers stay apart."""
    sign = "-" if text.startswith("-") else ""
    whole, _, fraction = text.lstrip("+-").partition(".")
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    return sign * ((whole, fraction) != ("0", "")) + whole + ("." + fraction if fraction else "")


def near_equal(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """Groups of two or more distinct texts with one folded form, each sorted.

    One letter twice in both cases is a genotype ("AA", "Aa", "aa") and no slip.
    """
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for text in texts:
        groups[folded(text)].add(text)
    return sorted(
        tuple(sorted(group)) for group in groups.values() if len(group) > 1 and not _alleles(group)
    )


def _alleles(group: set[str]) -> bool:
    return all(len(t) == 2 and len(set(t.casefold())) == 1 and t.isalpha() for t in group)


def is_placeholder(text: str) -> bool:
    """Whether a text in the place of an identifier or a name says that there is none.

    Words of English, German, French, Spanish, Italian, Portuguese and Dutch; marks without a letter
    or digit; x repeated; 0, four or more nines, one digit six times or more; -1, -9, -99.
    """
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    if not any(c.isalnum() for c in plain):
        return True
    if re.fullmatch(r"0+(\.0+)?|9{4,}(\.0+)?|(\d)\3{5,}(\.0+)?|-1(\.0+)?|-9+(\.0+)?|x{2,}", plain):
        return True
    return re.sub(r"[\W_]+", "", _bare(plain)) in _WORDS


def is_ticked(text: str) -> bool:
    """Whether a text is a tick in a tick box: x, ✓, yes, true, 1, on, ja, oui, sí, sim."""
    plain = unicodedata.normalize("NFC", text).strip(" .!()[]").casefold()
    return plain in _TICKED


def _bare(text: str) -> str:
    marks = unicodedata.normalize("NFD", text)
    return "".join(c for c in marks if not unicodedata.combining(c))


_WORDS = frozenset(_bare(word) for word in _PLACEHOLDERS.split())
_TICKED = frozenset(_TICKS.split()) | {"1.0", "ü"}
