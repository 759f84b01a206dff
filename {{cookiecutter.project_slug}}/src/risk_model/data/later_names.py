"""Names of what is known only later: does a column say itself that it comes after the event?

Follow-up, length of stay, discharge, survival, death, a later status: in English, German, French,
Spanish, Italian, Portuguese, Dutch, Scandinavian languages, Polish and Turkish, as registers and
trials spell them. A name proves nothing, so `leakage` asks besides whether the column tells
anything of the outcome. What says that it looks back, or at other people, or that it is a
forecast, is no such name: a prior stay, a mother's death, a predicted mortality.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from risk_model.core.schema import Schema

UNITS = (
    r"(?:time|t|d|days?|hours?|hrs?|h|weeks?|wks?|months?|mos?|years?|yrs?|dur(?:ation)?|interval|"
    r"zeit|dauer|tage|stunden|wochen|monate|jahre|temps|duree|jours|heures|mois|annees|tiempo|dias|"
    r"horas|meses|anos|tempo|giorni|ore|mesi|anni|tijd|duur|dagen|maanden|tid|dagar|dager|dage)"
)
MOMENT = r"(?:time|date|dt|dte|day|days|hours?|months?|years?|datum|fecha|data|dia|dato)"
EVENT = (
    r"(?:death|event|disch\w*|exit|end|endpoint|relap\w*|recur\w*|progr\w*|fail\w*|cens\w*|"
    r"readm\w*|outcome|last|loss|dropout|metast\w*|failure)"
)
# What happened in the end: of any outcome
LATER = {
    "death": (
        r"\w{0,4}deaths?(?:dt|date|time|day)?|died|deceased|hospdead|dod|dth\w*",
        r"dead(?! (?:space|time|volume|vol|fraction|tissue))",
        r"^expired$|expired? (?:flag|date|in|at|status)|hospital expire\w*",
        r"^alive$|alive (?:at|status|dead)|autops\w*|post ?mortem|mortality|mortalit[ae]\w*",
        r"todes\w*|^tod$|gestorben|verstorben\w*|sterbe\w*|lebt noch",
        r"mort|deces|decede\w*",
        r"muert[eo]s?|fallec\w*|defunc\w*|exitus",
        r"morte|decesso|decedut\w*|obitos?",
        r"overleden|overlijden\w*|dodsfall|dodsdatum|dodsdato|avliden|zgonu?|olum",
    ),
    "survival": (
        r"surviv(?:al|ed|es|ing)|survtime|survdays|surv (?:time|days?|months?|status|event)",
        rf"(?:os|pfs|dfs|rfs|efs|mfs|dmfs|dss|css|lfs|ttp|tte) (?:{UNITS}|event|status|cens\w*)",
        r"pfs|dfs|rfs|efs|dmfs|ttp|tte",
        r"uberleb\w*|survie|supervivencia|sobreviv\w*|sobrevida|sopravvivenza",
        r"overleving\w*|overlevnad\w*",
    ),
    "follow-up": (
        r"follow ?ups?|followup\w*|fup|futimes?|futm|lenfol",
        rf"fu {UNITS}|{UNITS} (?:of |at |in |to )?fu|time at risk|person (?:years|days|time)",
        r"last ?(?:contact|alive|status)\w*|last ?seen(?! (?:well|normal))|last known alive",
        r"last ?visit(?: (?:date|days?|months?|time|status))?$|lstct\w*|lstalive|lost to|ltfu",
        r"nachbeobacht\w*|nachverfolg\w*|suivi|dernieres? nouvelles|seguimi?ento|acompanhamento",
        r"uppfoljning\w*|opfolgning\w*|oppfolging\w*",
    ),
    "censoring": (r"censor\w*|cens|censur\w*|zensiert\w*",),
    "time to the event": (
        rf"{UNITS} (?:un)?(?:to|till?|until|bis) (?:the )?(?:first )?{EVENT}",
        r"(?:time|days)to(?:death|event|disch\w*|relapse|recurrence|progression|failure)",
    ),
    "later status": (
        r"^(?:(?:final |patient |event |end |exit )?status|event)$",
        r"(?:vital|final|exit|end|event) ?status|(?:event|exit) (?:indicator|flag|type)",
        r"status (?:at|on|after|upon) (?:\w+ )?(?:disch\w*|follow\w*|end|last|exit|day|month)",
        r"status (?:at |on |after )?\d+ ?(?:d|days?|w|weeks?|m|months?|y|years?)",
    ),
    "outcome": (r"outcomes?|endpoints?|desenlace|desfecho|krankheitsausgang",),
}
# How and when the stay ended: known at the prediction moment where the outcome comes after it
STAY = {
    "discharge": (
        rf"(?:{MOMENT}|status|dispo\w*|destination|location|place|type|code|diagnos[ie]s|dx|"
        r"condition|to|at|until|till|hospital|icu) (?:of |at |on )?disch(?:arged?|rg)?",
        rf"disch(?:arged?|rg)? (?:{MOMENT}|status|dispo\w*|destination|location|place|to|at|type|"
        r"code|diagnos[ie]s|dx|condition|alive|home)",
        r"^discharged?$|dsch\w*|ddisch\w*|disch(?:time|date|dt|dte)",
        r"(?:fecha|date|data|dia|tipo|destino|motivo|mode) (?:de |di |da )?"
        r"(?:alta|sortie|dimissione|saida)",
        r"entlass\w*|dimission\w*|ontslag\w*|utskriv\w*|udskriv\w*|wypis\w*|taburcu\w*",
    ),
    "length of stay": (
        r"s?los|hlos|iculos|hosplos|losdays|los \d+|length ?of ?stay|lengthofstay|^stay$",
        r"(?:duration|days) of (?:the )?(?:hospital )?(?:stay|admission|hospitali[sz]ation)",
        r"(?:days|time|hours) (?:in|at) (?:the )?(?:hospital|icu|itu)",
        r"(?:hosp|hospital|icu) (?:days|stay|time)|stay (?:length|days|hours|duration)",
        r"liegedauer|liegezeit|verweildauer|aufenthaltsdauer|duree (?:de |du |d )?"
        r"(?:sejour|hospitali\w*)",
        r"estancia\w*|dias (?:de )?(?:estancia|hospital\w*|ingreso|internacao)",
        r"tempo (?:de |di )?(?:internacao|permanencia|degenza)|degenza",
        r"ligduur|opnameduur|verblijfsduur|vardtid\w*|liggetid\w*|liggedager|pobytu|yatis",
    ),
    "readmission": (r"readmi\w*|re ?hospitali[sz]\w*|rehosp\w*|wiederaufnahme\w*|reingreso\w*",),
}
# It looks back, at other people, or ahead by an opinion
OTHERWISE = re.compile(
    r"\b(?:prior|previous\w*|prev|past|history|hist|hx|fhx?|famil\w*|fam|mother\w*|maternal|father\w*|"
    r"paternal|parent\w*|sibling\w*|spouse|baseline|before(?! (?:death|disch))|pre|preop\w*|since|"
    r"predicted|pred|expected|estimat\w*|(?<!at )risk|score|prob\w*|prognos\w*|last (?:year|\d+)|"
    r"antecedent\w*|anamnes\w*|fruher\w*|precedent\w*|previ[oa]s?|anterior\w*|seit|depuis|desde|"
    r"programmed)\b"
)
AFTER_THE_STAY = re.compile(
    r"re ?adm|re ?hosp|revisit|(?:post|after) ?disch|wiederaufn|reingreso|reintern"
)
# A name of these alone is a time that does not say which; not `HR`, `dias` or a calendar's `month`
TIME = re.compile(
    r"times?|days|hours|weeks|months|years|duration|[sf]time|zeit|dauer|tage|stunden|wochen|monate|"
    r"temps|duree|jours|heures|mois|tiempo|horas|meses|tempo|giorni|mesi|tijd|dagen|maanden|dagar|"
    r"dager|dage"
)
SHORT_FOR_TIME = re.compile(UNITS)
BESIDE_TIME = re.compile(
    r"(?:[a-z]|[sf]time|in|of|to|from|the|since|at|until|end|stop|total|study|obs|observation|hosp|"
    r"hospital|stay|patient|event|admission|entry|inclusion|enrol\w*|randomi[sz]ation|\d+)"
)
ENDS = {"end", "stop", "event"}
GENERIC = {"e", "event", "status", "flag", "yes", "y", "outcome", "time", "within", "days", "day"}


def spoken(name: str) -> str:
    """A name in plain lower-case words.

    >>> spoken("DaysToDeath_30d"), spoken("Entlassungsdatum (Tag)"), spoken("décès")
    ('days to death 30d', 'entlassungsdatum tag', 'deces')
    """
    split = re.sub(
        r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z]{3})(?=[0-9])", " ", name
    )
    folded = unicodedata.normalize("NFKD", split.translate(str.maketrans("øØłŁıß", "oOlLis")))
    ascii_only = "".join(c for c in folded if not unicodedata.combining(c)).lower()
    return " ".join(re.findall(r"[a-z0-9]+", ascii_only))


def _compiled(kinds: dict[str, tuple[str, ...]]) -> dict[str, re.Pattern[str]]:
    return {kind: re.compile(rf"\b(?:{'|'.join(words)})\b") for kind, words in kinds.items()}


_LATER, _STAY = _compiled(LATER), _compiled(STAY)


def later_by_name(texts: Sequence[str], outcome: str) -> str:
    """What one of these texts says is known only later; "" where none does, or one says otherwise.

    Args:
        texts: The name of a column, its description, or the value of a category.
        outcome: The outcome's name: a stay is over before a readmission.

    >>> later_by_name(["fup_days"], "died"), later_by_name(["prior_los"], "died")
    ('follow-up', '')
    """
    words = [spoken(text) for text in texts]
    kinds = _LATER if AFTER_THE_STAY.search(spoken(outcome)) else {**_LATER, **_STAY}
    if any(OTHERWISE.search(text) for text in words):
        return ""
    said = (kind for kind, pattern in kinds.items() if any(map(pattern.search, words)))
    return next(said, "")


def names_a_time(name: str, schema: Schema) -> bool:
    """Whether a name is that of a time which does not say up to what: `time`, `t.relapse`.

    The outcome's own words may stand beside it.
    """
    words = spoken(name).split()
    own = set(spoken(schema.outcome).split()) - GENERIC
    clear = any(TIME.fullmatch(word) for word in words) or (
        any(SHORT_FOR_TIME.fullmatch(word) for word in words)
        and bool((own | ENDS).intersection(words))
    )
    beside = (TIME, SHORT_FOR_TIME, BESIDE_TIME)
    return clear and all(
        word in own or any(pattern.fullmatch(word) for pattern in beside) for word in words
    )
