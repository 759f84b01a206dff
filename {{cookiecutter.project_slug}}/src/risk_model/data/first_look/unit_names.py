"""Units as clinicians write them: mg/L, mmHg, x10^9/L, Jahre.

Is the word behind a number a unit, and which?
"""

from __future__ import annotations

import functools
import re

# one spelling first, the others of the same unit behind it
_SPELLINGS = """
g gram grams gm gms|kg kgs kilo kilos kilogram kilograms|mg|µg ug mcg|ng|pg|fg
l liter litre liters litres|dl|cl|ml mls cc|µl ul mcl|nl|pl|fl|mol|mmol|µmol umol|nmol|pmol|fmol
eq|mEq meq|mval|U unit units ie iu i.u. ui|mU mu miu mui|µU uiu µiu|kU kiu|osm|mosm
m metre meter metres meters|km|cm|mm|µm um|nm|in inch inches|ft feet foot|yd
lb lbs pound pounds|oz|stone
mmHg torr|cmH2O|Pa|kPa|hPa|bar|mbar|atm
bpm beats|breaths|/min|Hz|kHz|MHz
°C c celsius degc|°F f fahrenheit degf|° deg degree degrees|k
s sec secs second seconds sek sekunde sekunden secondes segundos secondi seconden
ms msec millisecond milliseconds
min mins minute minutes minuten minutos minuti
h hr hrs hour hours std stunde stunden heure heures hora horas ora ore uur uren
d day days tag tage tagen jour jours día días dia dias giorno giorni dag dagen
wk wks week weeks woche wochen semaine semaines semana semanas settimana settimane weken
mo mos mth mths month months monat monate monaten mois mes meses mese mesi maand maanden
y yr yrs year years yo y.o. y/o jahr jahre jahren an ans año años ano anos anno anni jaar jaren
m² m2 m^2 sqm|cm² cm2 cm^2|mm² mm2|m³ m3|cm³ cm3|mm³ mm3 cmm
kcal cal|kJ|J|W watt watts|mV|V|mA|dB|mGy|Gy|cGy|mSv|MBq|Bq|kBq|Ci|mCi|HU|met mets
cell cells|copies copy|cfu|tsd|mio|drop drops|tablet tablets tab tabs|puff puffs|cigarettes cigs
pack-years packyears py pack-year|dpt diopter dioptres dioptre diopters|point points pts punkte
creatinine crea cr|24h|1.73m² 1.73m2 1.73m^2|100ml|ppm|ppb|vol|wks|steps|times|drinks|words|beds
€ eur euro euros|$ usd|£ gbp|¥ yen jpy|CHF|kr|‰
"""
_POWER = r"(?:[x×*·]?\s*10\s*(?:\^|\*\*|\*|e)?\s*[\d⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2}|[gGkKMT]|1000|100)"
# one letter that means something else as often as a unit ("34f", "12M", "3D"): never by itself
_AMBIGUOUS = {"M", "D", "S", "E", "K", "V", "H", "Y", "A", "f", "e", "k", "v"}


def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for line in _SPELLINGS.strip().splitlines():
        for unit in line.split("|"):
            names = unit.split()
            table.update({_micro(name): names[0] for name in names})
    return table


def _micro(text: str) -> str:
    return text.replace("\u03bc", "\u00b5").casefold().replace("\u03bc", "\u00b5")


_UNITS = _table()


@functools.lru_cache(maxsize=4096)
def unit_of(text: str) -> str | None:
    """The unit that a text names, in one spelling ("MG/L" as "mg/L", "years" as "y"), or None.

    >>> unit_of("mmol/l"), unit_of("x10^9/L"), unit_of("Jahre"), unit_of("mm Hg"), unit_of("vessel")
    ('mmol/L', 'x10^9/L', 'y', 'mmHg', None)
    """
    if text in _AMBIGUOUS or len(text) > 30:
        return None
    parts = re.split(r"\s*(?:/|\bper\b|\bpro\b)\s*", text.strip())
    known = [_part(part, first=i == 0) for i, part in enumerate(parts)]
    powers = all(re.fullmatch(_POWER, str(part)) for part in known)
    if powers or any(part is None for part in known) or not any(known):
        return None
    return "/".join(str(part) for part in known)


def _part(text: str, first: bool) -> str | None:
    joined = text.replace(" ", "").rstrip(".")
    if not joined:
        return "" if first else None
    if joined in ("µ", "µ", "n", "p", "m") and not first:  # "/µ", "/n" for microlitre, nanolitre
        return joined + "L"
    power = re.fullmatch(_POWER, joined)
    if power and (first and len(joined) > 1):
        return joined.replace("×", "x")
    name = _UNITS.get(_micro(joined), _UNITS.get(_micro(re.sub(r"-1|⁻¹", "", joined))))
    if name is None and re.match(r"1(?!\d)|10\^?\d+", joined) and not first:
        return joined
    return _litre(name) if name else None


def _litre(name: str) -> str:
    return re.sub(r"^(|d|c|m|µ|n|p|f)l$", r"\1L", name)
